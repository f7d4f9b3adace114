"""What the tests beside this file share: boto3 clients, and requests that boto3 has no call for.

A test file is run as a program. It reads ENDPOINT, TLS_ENDPOINT, TLS_CERTIFICATE, VIRTUAL_HOST, CONTROL
and the variables of AWS from the environment, and prints a line of JSON for each test: its name and, when
it failed, why.
"""
import contextlib
import datetime
import http.client
import itertools
import json
import os
import socket
import sys
import traceback
import types
import unittest
import unittest.mock
import urllib.parse
import xml.etree.ElementTree as ET

import boto3
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
TLS_ENDPOINT = os.environ["TLS_ENDPOINT"]
TLS_CERTIFICATE = os.environ["TLS_CERTIFICATE"]
VIRTUAL_HOST = os.environ["VIRTUAL_HOST"]
SESSION = boto3.Session(region_name="us-east-1")
numbers = itertools.count()


def client(endpoint=ENDPOINT, style="path", s3=None, **config):
    """An S3 client. boto3's own retries are off: a server's fault must show."""
    config = Config(s3={"addressing_style": style, **(s3 or {})}, retries={"max_attempts": 0}, connect_timeout=10, read_timeout=10, **config)
    verify = TLS_CERTIFICATE if endpoint.startswith("https:") else None
    return SESSION.client("s3", endpoint_url=endpoint, config=config, verify=verify)


def send(request):
    """Sends a signed request byte for byte: (status, headers, body)."""
    url = urllib.parse.urlsplit(request.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    with contextlib.closing(connection):
        target = url.path + ("?" + url.query if url.query else "")
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        headers = {k.lower(): v for k, v in request.headers.items()}
        headers.setdefault("host", url.netloc)
        body = request.body or b""
        headers.setdefault("content-length", str(len(body)))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return types.SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())


def call(method, target, headers=None, body=None, signer=None, endpoint=ENDPOINT):
    """A request for a target as it is, signed by botocore."""
    request = AWSRequest(method, endpoint + target, headers=headers or {}, data=body if body is not None else b"")
    signer = signer or botocore.auth.S3SigV4Auth(SESSION.get_credentials(), "s3", "us-east-1")
    signer.add_auth(request)
    return send(request)


def quote(text):
    return urllib.parse.quote(text, safe="")


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def children(element, *path):
    """The elements at a path of local names."""
    found = [element]
    for name in path:
        found = [c for e in found for c in e if local(c) == name]
    return found


def text(element, *path):
    found = children(element, *path)
    return (found[0].text or "") if found else None


@contextlib.contextmanager
def signed_at(offset):
    """Signs as if the clock were off by so much: a timedelta."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + offset
    with unittest.mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: now):
        yield


def resolve_below_virtual_host():
    """Has every host below VIRTUAL_HOST be the loopback interface, in this process."""
    original = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        if isinstance(host, bytes):
            host = host.decode()
        return original("127.0.0.1" if host.endswith(VIRTUAL_HOST) else host, *args, **kwargs)
    socket.getaddrinfo = getaddrinfo


class Test(unittest.TestCase):
    """A test with a bucket of its own in self.bucket, without metadata search."""
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.s3 = client()

    def setUp(self):
        self.bucket = self.new_bucket()

    def new_bucket(self, search_keys=None, **arguments):
        """Makes a bucket and returns its name."""
        name = f"{type(self).__name__.lower()}-{next(numbers)}"
        add = lambda request, **_: request.headers.add_header("x-emc-metadata-search", search_keys)
        if search_keys:
            self.s3.meta.events.register("before-sign.s3.CreateBucket", add)
        try:
            self.s3.create_bucket(Bucket=name, **arguments)
        finally:
            self.s3.meta.events.unregister("before-sign.s3.CreateBucket", add)
        return name

    def put(self, key, body=b"x", **arguments):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **arguments)

    def get(self, key, **arguments):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **arguments)

    def body(self, key, **arguments):
        return self.get(key, **arguments)["Body"].read()

    def head(self, key, **arguments):
        return self.s3.head_object(Bucket=self.bucket, Key=key, **arguments)

    def fails(self, status, code, function, *args, **arguments):
        """Checks that a call fails so. A HEAD has no body to tell the code: it is the status."""
        with self.assertRaises(ClientError) as caught:
            function(*args, **arguments)
        response = caught.exception.response
        got = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
        self.assertEqual(got, (status, code), response)
        return response


def why(_, error, tb):
    """An error and the lines of the tests that led to it, without those of libraries."""
    lines = [f"{os.path.basename(f.filename)}:{f.lineno}: {f.line}" for f in traceback.extract_tb(tb)
             if os.path.dirname(os.path.abspath(f.filename)) == os.path.dirname(os.path.abspath(__file__))]
    return "\n".join([*lines, *traceback.format_exception_only(error)])


class Report(unittest.TestResult):
    """Prints a line for each test."""

    def line(self, test, error=""):
        print(json.dumps({"test": test.id().removeprefix("__main__."), "error": error}), flush=True)

    def addSuccess(self, test):
        if not getattr(test, "failed_subtest", False):
            self.line(test)

    def addFailure(self, test, err):
        self.line(test, why(*err))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err:
            test.failed_subtest = True
            self.line(subtest, why(*err))

    def addSkip(self, test, reason):
        self.line(test, "skipped: " + reason)


def main():
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]).run(Report())

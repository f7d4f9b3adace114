"""What botocore and the transfer manager make of faults, set by rules over the control port."""
import io
import json
import os
import urllib.request

import botocore.exceptions
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from common import ENDPOINT, SESSION, Test, client, main
from multipart import DATA, PART

CONTROL = os.environ["CONTROL"]


def control(method, path, value=None):
    body = None if value is None else json.dumps(value).encode()
    with urllib.request.urlopen(urllib.request.Request(CONTROL + path, body, {"Content-Type": "application/json"}, method=method), timeout=30) as answer:
        return json.loads(answer.read() or b"null")


class Faults(Test):
    def setUp(self):
        super().setUp()
        self.put("k", b"0123456789" * 1000)
        self.patient = SESSION.client("s3", endpoint_url=ENDPOINT, config=Config(
            s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 3}, connect_timeout=10, read_timeout=10))
        self.addCleanup(control, "DELETE", "/rules")

    def rule(self, **rule):
        control("PUT", "/rules", [{"bucket": self.bucket, **rule}])

    def hits(self):
        return control("GET", "/rules")[0]["hits"]

    def test_status(self):
        for status, code in [(500, "InternalError"), (503, "SlowDown"), (403, "AccessDenied")]:
            self.rule(operations=["GetObject"], status=status, code=code)
            self.fails(status, code, self.get, "k")
        self.assertEqual(self.head("k")["ContentLength"], 10000)

    def test_retries(self):
        for fault in ({"status": 500}, {"status": 503, "code": "SlowDown"}, {"cut": "reset"}, {"cut": "close"}):
            with self.subTest(str(fault)):
                self.rule(operations=["GetObject"], times=1, **fault)
                self.assertEqual(len(self.patient.get_object(Bucket=self.bucket, Key="k")["Body"].read()), 10000)
                self.assertEqual(self.hits(), 1)

    def test_an_error_in_an_answer_of_200(self):
        self.rule(operations=["CopyObject"], status=200, code="InternalError", times=1)
        self.patient.copy_object(Bucket=self.bucket, Key="copy", CopySource={"Bucket": self.bucket, "Key": "k"})
        self.assertEqual(self.hits(), 1)
        self.assertEqual(self.head("copy")["ContentLength"], 10000)

    def test_a_body_that_ends_early(self):
        for fault in ({"cut": "close", "cut_after": 5000}, {"cut": "reset", "cut_after": 5000}, {"length_off": 10}):
            with self.subTest(str(fault)):
                self.rule(operations=["GetObject"], **fault)
                with self.assertRaises((botocore.exceptions.IncompleteReadError, botocore.exceptions.ResponseStreamingError)):
                    self.body("k")

    def test_bytes_that_changed(self):
        self.rule(operations=["GetObject"], flip=[4321])
        with self.assertRaises(botocore.exceptions.FlexibleChecksumError):
            self.body("k")

    def test_xml_that_is_broken(self):
        for fault in ("unfinished", "bad-char", "bad-nesting"):
            self.rule(operations=["ListObjectsV2"], xml=fault)
            self.fails(500, "500", self.s3.list_objects_v2, Bucket=self.bucket)  # so botocore takes it
        self.rule(operations=["ListObjectsV2"], xml="unfinished", times=1)
        self.assertEqual(self.patient.list_objects_v2(Bucket=self.bucket)["KeyCount"], 1)

    def test_a_clock_that_is_off(self):
        self.rule(operations=["HeadBucket"], clock_skew="1h")
        self.fails(403, "403", self.s3.head_bucket, Bucket=self.bucket)
        self.rule(operations=["ListObjects"], clock_skew="-20m")
        self.fails(403, "RequestTimeTooSkewed", self.s3.list_objects, Bucket=self.bucket)

    def test_a_silent_server(self):
        self.rule(operations=["GetObject"], cut="stall")
        hasty = SESSION.client("s3", endpoint_url=ENDPOINT, config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=0.2))
        with self.assertRaises(botocore.exceptions.ReadTimeoutError):
            hasty.get_object(Bucket=self.bucket, Key="k")

    def test_the_transfer_manager_goes_on(self):
        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
        control("PUT", "/rules", [
            {"bucket": self.bucket, "operations": ["UploadPart"], "status": 500, "times": 1, "skip": 1},
            {"bucket": self.bucket, "operations": ["GetObject"], "cut": "reset", "cut_after": 100000, "times": 1, "skip": 1}])
        self.patient.upload_fileobj(io.BytesIO(DATA), self.bucket, "big", Config=config)
        back = io.BytesIO()
        self.patient.download_fileobj(self.bucket, "big", back, Config=config)
        self.assertTrue(back.getvalue() == DATA, "other bytes came back")
        self.assertEqual([r["hits"] for r in control("GET", "/rules")], [1, 1])


if __name__ == "__main__":
    main()

"""Checksums and the forms of a body: what botocore sends of its own accord, and what it may be told to."""
import base64
import hashlib
import io
import zlib

import hmac

import botocore.auth

from common import SESSION, TLS_ENDPOINT, Test, call, client, main

BODY = bytes(range(256)) * 1500  # more than one chunk of botocore's
CRC32 = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()
SHA1 = base64.b64encode(hashlib.sha1(BODY).digest()).decode()
SHA256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()


class Bodies(Test):
    """Every way to send the same bytes stores them, and nothing of the framing."""

    def check(self, s3, body=BODY, **arguments):
        s3.put_object(Bucket=self.bucket, Key="k", Body=body, ContentEncoding="gzip", **arguments)
        got = self.get("k")
        self.assertEqual(got["Body"].read(), BODY)
        self.assertEqual(got["ETag"], '"' + hashlib.md5(BODY).hexdigest() + '"')
        self.assertEqual(got["ContentEncoding"], "gzip")

    def test_by_configuration(self):
        for endpoint in ("http", "https"):
            for calculation in ("when_supported", "when_required"):
                for signed in (True, False):
                    with self.subTest(f"{endpoint} checksum {calculation}, payload signed {signed}"):
                        s3 = client(*([TLS_ENDPOINT] if endpoint == "https" else []), s3={"payload_signing_enabled": signed},
                                    request_checksum_calculation=calculation, response_checksum_validation=calculation)
                        self.check(s3)
                        self.check(s3, io.BytesIO(BODY))
                        self.assertEqual(s3.get_object(Bucket=self.bucket, Key="k")["Body"].read(), BODY)

    def test_by_algorithm(self):
        for endpoint in ("http", "https"):
            for algorithm in ("CRC32", "SHA1", "SHA256"):
                with self.subTest(f"{endpoint} {algorithm}"):
                    self.check(client(*([TLS_ENDPOINT] if endpoint == "https" else [])), ChecksumAlgorithm=algorithm)

    def test_empty(self):
        for s3 in (client(), client(TLS_ENDPOINT)):
            s3.put_object(Bucket=self.bucket, Key="empty", Body=b"")
            self.assertEqual(s3.get_object(Bucket=self.bucket, Key="empty")["Body"].read(), b"")


class StreamingAuth(botocore.auth.S3SigV4Auth):
    """Signs a request whose body is signed chunk by chunk, and then the chunks.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """

    def __init__(self, trailer=None):
        super().__init__(SESSION.get_credentials(), "s3", "us-east-1")
        self.word = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
        self.trailer = trailer

    def payload(self, request):
        return self.word

    def add_auth(self, request):
        chunks, request.data = request.data, b""
        super().add_auth(request)
        timestamp, previous = request.context["timestamp"], request.headers["Authorization"].rsplit("=", 1)[1]

        def link(kind, *lines):
            text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", timestamp, self.credential_scope(request), previous, *lines])
            key = ("AWS4" + self.credentials.secret_key).encode()
            for part in (timestamp[:8], "us-east-1", "s3", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

        body = b""
        for chunk in [*chunks, b""]:
            previous = link("PAYLOAD", hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest())
            body += b"%x;chunk-signature=%s\r\n%s" % (len(chunk), previous.encode(), chunk + b"\r\n" if chunk else b"")
        if self.trailer:
            previous = link("TRAILER", hashlib.sha256(self.trailer + b"\n").hexdigest())
            body += self.trailer + b"\r\nx-amz-trailer-signature:" + previous.encode() + b"\r\n"
        request.data = body + b"\r\n"


class SignedChunks(Test):
    chunks = [BODY[:65536], BODY[65536:140000], BODY[140000:]]

    def send(self, chunks, trailer=None, spoil=lambda body: body, headers=None):
        class Auth(StreamingAuth):
            def add_auth(self, request):
                super().add_auth(request)
                request.data = spoil(request.data)
        return call("PUT", f"/{self.bucket}/k", {"Content-Encoding": "aws-chunked,gzip", "x-amz-decoded-content-length": str(sum(map(len, chunks))),
                                                **(headers or {})}, chunks, Auth(trailer))

    def test_stored(self):
        for chunks in (self.chunks, [BODY], []):
            answer = self.send(chunks)
            self.assertEqual(answer.status, 200, answer.body)
            got = self.get("k")
            self.assertEqual((got["Body"].read(), got["ContentEncoding"]), (b"".join(chunks), "gzip"))

    def test_trailer(self):
        for value, status in [(CRC32, 200), ("AAAAAA==", 400)]:
            answer = self.send(self.chunks, b"x-amz-checksum-crc32:" + value.encode(), headers={"x-amz-trailer": "x-amz-checksum-crc32"})
            self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(self.head("k", ChecksumMode="ENABLED")["ChecksumCRC32"], CRC32)

    def test_spoiled(self):
        middle = len(BODY) // 2
        for spoil in (lambda body: body[:middle] + b"?" + body[middle + 1:], lambda body: body[:-100], lambda body: body.replace(b"signature=", b"signature=0", 1)):
            answer = self.send(self.chunks, spoil=spoil)
            self.assertGreaterEqual(answer.status, 400)
        self.fails(404, "404", self.head, "k")


class Checksums(Test):
    def test_what_was_sent_is_checked(self):
        self.put("k", BODY, ChecksumSHA256=SHA256)
        self.put("k", BODY, ChecksumSHA1=SHA1)
        self.put("k", BODY, ChecksumCRC32=CRC32)
        for name, wrong in [("ChecksumSHA256", SHA256), ("ChecksumSHA1", SHA1), ("ChecksumCRC32", CRC32)]:
            with self.subTest(name):
                self.fails(400, "BadDigest", self.put, "k", b"other bytes", **{name: wrong})
        self.assertEqual(self.body("k"), BODY)

    def test_told_when_asked(self):
        for name, value in [("ChecksumSHA256", SHA256), ("ChecksumSHA1", SHA1), ("ChecksumCRC32", CRC32)]:
            with self.subTest(name):
                self.assertEqual(self.put("k", BODY, **{name: value})[name], value)
                self.assertEqual(self.head("k", ChecksumMode="ENABLED")[name], value)
                got = self.get("k", ChecksumMode="ENABLED")
                self.assertEqual((got["Body"].read(), got[name]), (BODY, value))  # botocore compares too
                self.assertNotIn(name, client(response_checksum_validation="when_required").get_object(Bucket=self.bucket, Key="k"))


if __name__ == "__main__":
    main()

"""Checksums and the forms of a body: what botocore sends of its own accord, and what it may be told to."""
import base64
import hashlib
import io
import zlib

from common import TLS_ENDPOINT, Test, client, main

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

"""Checksums and the forms of a body: what botocore sends of its own accord, and what it may be told to."""
import hashlib
import io

from common import TLS_ENDPOINT, Test, client, main

BODY = bytes(range(256)) * 1500  # more than one chunk of botocore's


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


if __name__ == "__main__":
    main()

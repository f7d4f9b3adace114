"""Requests under signature version 2, by botocore's HmacV1Auth."""
import botocore.auth

from common import SESSION, Test, call, children, client, main, quote, text
import xml.etree.ElementTree as ET


class HmacV1WithSearch(botocore.auth.HmacV1Auth):
    """botocore's signer told what ECS signs besides S3's subresources."""
    QSAOfInterest = botocore.auth.HmacV1Auth.QSAOfInterest + ["query", "searchmetadata", "endpoint"]


SIGNER = HmacV1WithSearch(SESSION.get_credentials())


class Calls(Test):
    @classmethod
    def setUpClass(cls):
        cls.s3 = client(signature_version="s3")

    def test_objects(self):
        for key in ["plain", "a b+ö", "per%cent", "two//slashes", "tilde~star*"]:
            with self.subTest(key):
                self.put(key, b"hello", Metadata={"color": "red", "a-b": "2", "a": "1"}, ContentType="text/plain")
                got = self.get(key, Range="bytes=1-3", ResponseContentType="text/html; x=\"y z\"")
                self.assertEqual((got["Body"].read(), got["ContentType"], got["Metadata"]["color"]), (b"ell", 'text/html; x="y z"', "red"))
                self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource={"Bucket": self.bucket, "Key": key})
                self.assertEqual(self.head("copy")["ContentLength"], 5)
                self.s3.delete_object(Bucket=self.bucket, Key=key)

    def test_buckets_and_lists(self):
        self.put("a/1")
        self.assertIn(self.bucket, [b["Name"] for b in self.s3.list_buckets()["Buckets"]])
        self.assertIsNone(self.s3.get_bucket_location(Bucket=self.bucket)["LocationConstraint"])
        self.assertNotIn("Status", self.s3.get_bucket_versioning(Bucket=self.bucket))
        self.assertEqual(self.s3.list_objects(Bucket=self.bucket, Delimiter="/")["CommonPrefixes"], [{"Prefix": "a/"}])
        self.assertEqual(self.s3.list_objects_v2(Bucket=self.bucket)["KeyCount"], 1)

    def test_wrong_secret(self):
        import boto3
        from botocore.config import Config
        from common import ENDPOINT
        wrong = boto3.client("s3", endpoint_url=ENDPOINT, aws_access_key_id="ecsfs-demo-key", aws_secret_access_key="wrong",
                             region_name="us-east-1", config=Config(signature_version="s3", s3={"addressing_style": "path"}))
        response = self.fails(403, "SignatureDoesNotMatch", wrong.list_objects, Bucket=self.bucket)
        expected = response["Error"]["StringToSign"]
        self.assertRegex(expected, rf"^GET\n\n\n\w+, \d+ \w+ \d+ [\d:]+ GMT\n/{self.bucket}$")


class Search(Test):
    def test_all_calls(self):
        self.bucket = self.new_bucket("Size,x-amz-meta-color;string")
        for i, color in enumerate(["red", "blue", "light blue"]):
            self.put(str(i), b"x" * i, Metadata={"color": color})
        for slash in ("", "/"):
            keys = ET.fromstring(call("GET", f"/{self.bucket}{slash}?searchmetadata", signer=SIGNER).body)
            self.assertEqual(len(children(keys, "IndexableKeys", "Key")), 2)
            page = call("GET", f"/{self.bucket}{slash}?query={quote('x-amz-meta-color=='+repr('light blue'))}&attributes=Etag&max-keys=3&sorted=x-amz-meta-color", signer=SIGNER)
            self.assertEqual([text(o, "objectName") for o in children(ET.fromstring(page.body), "ObjectMatches", "object")], ["2"], page.body)
        self.assertEqual(call("GET", "/?searchmetadata", signer=SIGNER).status, 200)
        self.assertEqual(call("DELETE", f"/{self.bucket}?searchmetadata", signer=SIGNER).status, 204)

    def test_a_header_of_ecs_must_be_signed(self):
        answer = call("PUT", f"/{self.bucket}-2", {"x-emc-metadata-search": "Size"}, signer=SIGNER)  # HmacV1Auth leaves x-emc- out
        self.assertEqual(answer.status, 403)
        self.assertIn("x-emc-metadata-search:Size\n", text(ET.fromstring(answer.body), "StringToSign"))


if __name__ == "__main__":
    main()

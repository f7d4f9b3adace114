"""Buckets named by the host, under both signatures."""
import urllib.request

import common
from common import ENDPOINT, VIRTUAL_HOST, Test, client, main

common.resolve_below_virtual_host()
BASE = f"http://{VIRTUAL_HOST}:{ENDPOINT.rsplit(':', 1)[1]}"


class VirtualHost(Test):
    def check(self, s3):
        name = f"{type(self).__name__.lower()}-{next(common.numbers)}"
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="a b/ö", Body=b"hello")
        self.assertEqual(s3.get_object(Bucket=name, Key="a b/ö")["Body"].read(), b"hello")
        self.assertEqual(s3.list_objects_v2(Bucket=name)["Contents"][0]["Key"], "a b/ö")
        self.assertEqual(s3.list_objects(Bucket=name, Prefix="a ")["Contents"][0]["Size"], 5)
        self.assertIn(name, [b["Name"] for b in s3.list_buckets()["Buckets"]])
        self.assertIsNone(s3.get_bucket_location(Bucket=name)["LocationConstraint"])
        s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "a b/ö"})
        with urllib.request.urlopen(s3.generate_presigned_url("get_object", {"Bucket": name, "Key": "copy"})) as answer:
            self.assertEqual(answer.read(), b"hello")
        for key in ("a b/ö", "copy"):
            s3.delete_object(Bucket=name, Key=key)
        s3.delete_bucket(Bucket=name)
        self.fails(404, "404", s3.head_bucket, Bucket=name)

    def test_version_4(self):
        s3 = client(BASE, "virtual", signature_version="s3v4")
        self.assertIn(f"//bucket.{VIRTUAL_HOST}:", s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "k"}))
        self.check(s3)

    def test_version_2(self):
        self.check(client(BASE, "virtual", signature_version="s3"))

    def test_namespace(self):
        for version in ("s3v4", "s3"):
            with self.subTest(version):
                self.check(client(BASE.replace("//", "//ecstest."), "virtual", signature_version=version))


if __name__ == "__main__":
    main()

"""Versions: switching them on and off, reading, copying, deleting and listing them."""
import xml.etree.ElementTree as ET

from common import Test, call, children, main, quote, text


class Versions(Test):
    def setUp(self):
        super().setUp()
        self.switch("Enabled")

    def switch(self, status):
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": status})

    def versions(self, key=""):
        """(key, version, current, is a delete marker) of what is listed, in order."""
        page = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key)
        self.assertFalse(page["IsTruncated"])
        rows = [(v["Key"], v["VersionId"], v["IsLatest"], False) for v in page.get("Versions", [])]
        return rows + [(m["Key"], m["VersionId"], m["IsLatest"], True) for m in page.get("DeleteMarkers", [])]

    def test_switch(self):
        self.assertEqual(self.s3.get_bucket_versioning(Bucket=self.bucket)["Status"], "Enabled")
        self.switch("Suspended")
        self.assertEqual(self.s3.get_bucket_versioning(Bucket=self.bucket)["Status"], "Suspended")
        self.fails(404, "NoSuchBucket", self.s3.put_bucket_versioning, Bucket="nowhere", VersioningConfiguration={"Status": "Enabled"})
        self.fails(400, "IllegalVersioningConfigurationException", self.switch, "Off")

    def test_read(self):
        ids = [self.put("k", body, Metadata={"n": str(i)})["VersionId"] for i, body in enumerate([b"one", b"three", b"five!"])]
        self.assertEqual(len(set(ids)), 3)
        for i, body in enumerate([b"one", b"three", b"five!"]):
            got = self.get("k", VersionId=ids[i])
            self.assertEqual((got["Body"].read(), got["VersionId"], got["Metadata"]), (body, ids[i], {"n": str(i)}))
            self.assertEqual(self.head("k", VersionId=ids[i])["ContentLength"], len(body))
            self.assertEqual(self.body("k", VersionId=ids[i], Range="bytes=1-1"), body[1:2])
        self.assertEqual((self.body("k"), self.head("k")["VersionId"]), (b"five!", ids[2]))
        self.assertEqual(self.versions(), [("k", ids[2], True, False), ("k", ids[1], False, False), ("k", ids[0], False, False)])
        self.fails(404, "NoSuchVersion", self.get, "k", VersionId=ids[0][:-1] + ("0" if ids[0][-1] != "0" else "1"))

    def test_delete(self):
        one, two = self.put("k", b"one")["VersionId"], self.put("k", b"two")["VersionId"]
        answer = self.s3.delete_object(Bucket=self.bucket, Key="k")
        self.assertTrue(answer["DeleteMarker"])
        marker = answer["VersionId"]
        response = self.fails(404, "NoSuchKey", self.get, "k")
        self.assertEqual(response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"], "true")
        self.fails(405, "MethodNotAllowed", self.get, "k", VersionId=marker)
        self.assertEqual(self.body("k", VersionId=one), b"one")
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket=self.bucket))
        self.assertEqual(self.versions(), [("k", two, False, False), ("k", one, False, False), ("k", marker, True, True)])
        self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=marker)
        self.assertEqual(self.body("k"), b"two")
        self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=two)
        self.assertEqual(self.body("k"), b"one")
        self.fails(409, "BucketNotEmpty", self.s3.delete_bucket, Bucket=self.bucket)
        self.s3.delete_object(Bucket=self.bucket, Key="k", VersionId=one)
        self.assertEqual(self.versions(), [])
        self.s3.delete_bucket(Bucket=self.bucket)

    def test_copy(self):
        one = self.put("k", b"one")["VersionId"]
        self.put("k", b"two")
        answer = self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource={"Bucket": self.bucket, "Key": "k", "VersionId": one})
        self.assertEqual(answer["CopySourceVersionId"], one)
        self.assertEqual((self.body("copy"), self.head("copy")["VersionId"]), (b"one", answer["VersionId"]))

    def test_before_and_after(self):
        self.bucket = self.new_bucket()
        self.assertNotIn("VersionId", self.put("k", b"old"))
        self.switch("Enabled")
        self.assertEqual(self.versions(), [("k", "null", True, False)])
        new = self.put("k", b"new")["VersionId"]
        self.assertEqual(self.body("k", VersionId="null"), b"old")
        self.switch("Suspended")
        self.put("k", b"newest")
        self.assertEqual(self.versions(), [("k", "null", True, False), ("k", new, False, False)])
        self.assertEqual((self.body("k"), self.body("k", VersionId=new)), (b"newest", b"new"))

    def test_pages(self):
        ids = {}
        for key in ["a", "b/1", "b/2", "c ö", "d"]:
            ids[key] = [self.put(key, str(i).encode())["VersionId"] for i in range(3)]
        ids["d"].append(self.s3.delete_object(Bucket=self.bucket, Key="d")["VersionId"])
        want = sorted((k, v) for k in ids for v in ids[k])
        for size in (1, 2, 3, 7, 1000):
            found, pages = [], 0
            for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, PaginationConfig={"PageSize": size}):
                rows = page.get("Versions", []) + page.get("DeleteMarkers", [])
                self.assertLessEqual(len(rows), size)
                found, pages = found + [(r["Key"], r["VersionId"]) for r in rows], pages + 1
            self.assertEqual((sorted(found), pages), (want, -(-len(want) // size)))
            prefixes = []
            for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Delimiter="/", PaginationConfig={"PageSize": size}):
                prefixes += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
            self.assertEqual(prefixes, ["b/"])

    def test_search(self):
        self.bucket = self.new_bucket("x-amz-meta-n;integer")
        self.switch("Enabled")
        ids = {self.put("k", Metadata={"n": str(i)})["VersionId"] for i in range(3)}
        self.put("gone", Metadata={"n": "9"})
        self.s3.delete_object(Bucket=self.bucket, Key="gone")
        for name in ("include-older-versions", "include_older_version", "include-older-version"):
            root = ET.fromstring(call("GET", f"/{self.bucket}?query={quote('x-amz-meta-n<9')}&{name}=true").body)
            self.assertEqual({text(o, "versionId") for o in children(root, "ObjectMatches", "object")}, ids)
        root = ET.fromstring(call("GET", f"/{self.bucket}?query={quote('x-amz-meta-n>=0')}").body)
        self.assertEqual([text(o, "objectName") for o in children(root, "ObjectMatches", "object")], ["k"])


if __name__ == "__main__":
    main()

"""Deleting many objects by one call."""
from common import Test, client, main
from objects import ODD_KEYS


class MultiDelete(Test):
    def delete(self, *objects, s3=None, **arguments):
        return (s3 or self.s3).delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": o} if isinstance(o, str) else o for o in objects], **arguments})

    def keys(self):
        return sorted(o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", []))

    def test_answers(self):
        for s3 in (self.s3, client(request_checksum_calculation="when_required"), client(signature_version="s3")):
            for key in "abcd":
                self.put(key)
            answer = self.delete("a", "b", "never was", s3=s3)
            self.assertEqual(sorted(d["Key"] for d in answer["Deleted"]), ["a", "b", "never was"])
            self.assertNotIn("Errors", answer)
            answer = self.delete("c", Quiet=True, s3=s3)
            self.assertNotIn("Deleted", answer)
            self.assertEqual(self.keys(), ["d"])

    def test_odd_keys(self):
        keys = [*ODD_KEYS, "<&>]]>"]
        for key in keys:
            self.put(key)
        self.assertEqual(sorted(d["Key"] for d in self.delete(*keys)["Deleted"]), sorted(keys))
        self.assertEqual(self.keys(), [])

    def test_many(self):
        keys = [f"k{i}" for i in range(1000)]
        self.assertEqual(len(self.delete(*keys)["Deleted"]), 1000)
        self.fails(400, "MalformedXML", self.delete, *keys, "k1000")

    def test_versions(self):
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        one, two = self.put("k", b"one")["VersionId"], self.put("k", b"two")["VersionId"]
        answer = self.delete("k", {"Key": "k", "VersionId": two})
        by_version = {d.get("VersionId"): d for d in answer["Deleted"]}
        self.assertTrue(by_version[None]["DeleteMarker"])
        self.assertIn(two, by_version)
        self.fails(404, "NoSuchKey", self.get, "k")
        marker = by_version[None]["DeleteMarkerVersionId"]
        answer = self.delete({"Key": "k", "VersionId": marker})
        self.assertEqual((answer["Deleted"][0]["DeleteMarker"], answer["Deleted"][0]["DeleteMarkerVersionId"]), (True, marker))
        self.assertEqual(self.head("k")["VersionId"], one)

    def test_no_bucket(self):
        self.fails(404, "NoSuchBucket", self.s3.delete_objects, Bucket="nowhere", Delete={"Objects": [{"Key": "k"}]})


if __name__ == "__main__":
    main()

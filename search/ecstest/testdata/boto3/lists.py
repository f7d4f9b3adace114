"""Lists of objects, versions 1 and 2: order, prefixes, delimiters, pages."""
from common import Test, call, children, main, text
import xml.etree.ElementTree as ET

KEYS = ["a", "b/", "b/1", "b/2", "b/c/3", "b/c/4", "d e", "f+g", "größer", "z/1", "z/2", "\U0001f600"]


class Lists(Test):
    def setUp(self):
        super().setUp()
        for i, key in enumerate(KEYS):
            self.put(key, b"x" * i)

    def pages(self, operation, size, **arguments):
        """All that a paginator finds: keys, common prefixes and the number of pages."""
        keys, prefixes, pages = [], [], 0
        paginator = self.s3.get_paginator(operation)
        for page in paginator.paginate(Bucket=self.bucket, PaginationConfig={"PageSize": size}, **arguments):
            found = [o["Key"] for o in page.get("Contents", [])]
            groups = [p["Prefix"] for p in page.get("CommonPrefixes", [])]
            self.assertLessEqual(len(found) + len(groups), size)
            keys, prefixes, pages = keys + found, prefixes + groups, pages + 1
        return keys, prefixes, pages

    def test_all_pages(self):
        for operation in ["list_objects", "list_objects_v2"]:
            for size in [1, 2, 5, 12, 1000]:
                with self.subTest(f"{operation} by {size}"):
                    self.assertEqual(self.pages(operation, size), (KEYS, [], -(-len(KEYS) // size)))

    def test_prefix_and_delimiter(self):
        for operation in ["list_objects", "list_objects_v2"]:
            for size in [1, 2, 1000]:
                for arguments, keys, prefixes in [
                    ({"Delimiter": "/"}, ["a", "d e", "f+g", "größer", "\U0001f600"], ["b/", "z/"]),
                    ({"Prefix": "b/", "Delimiter": "/"}, ["b/", "b/1", "b/2"], ["b/c/"]),
                    ({"Prefix": "b/c", "Delimiter": "/"}, [], ["b/c/"]),
                    ({"Prefix": "b/c/"}, ["b/c/3", "b/c/4"], []),
                    ({"Prefix": "none"}, [], []),
                    ({"Prefix": "gr", "Delimiter": "ö"}, [], ["grö"]),
                    ({"Delimiter": "/1"}, [k for k in KEYS if "/1" not in k], ["b/1", "z/1"]),
                ]:
                    with self.subTest(f"{operation} {arguments} by {size}"):
                        self.assertEqual(self.pages(operation, size, **arguments)[:2], (keys, prefixes))

    def test_rows(self):
        one = self.s3.list_objects(Bucket=self.bucket, Prefix="b/1")
        two = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="b/1", FetchOwner=True)
        head = self.head("b/1")
        for page in (one, two):
            row = page["Contents"][0]
            self.assertEqual((row["Key"], row["Size"], row["ETag"], row["StorageClass"], row["Owner"]["ID"]),
                             ("b/1", 2, head["ETag"], "STANDARD", "ecsfs-demo-key"))
            self.assertEqual(row["LastModified"].replace(microsecond=0), head["LastModified"])
            self.assertEqual((page["Name"], page["Prefix"], page["MaxKeys"], page["IsTruncated"]), (self.bucket, "b/1", 1000, False))
        self.assertNotIn("Owner", self.s3.list_objects_v2(Bucket=self.bucket)["Contents"][0])

    def test_version_2_tells_what_was_asked(self):
        page = self.s3.list_objects_v2(Bucket=self.bucket, MaxKeys=2, StartAfter="b/")
        self.assertEqual(([o["Key"] for o in page["Contents"]], page["KeyCount"], page["MaxKeys"], page["StartAfter"], page["IsTruncated"]),
                         (["b/1", "b/2"], 2, 2, "b/", True))
        token = page["NextContinuationToken"]
        page = self.s3.list_objects_v2(Bucket=self.bucket, MaxKeys=2, ContinuationToken=token)
        self.assertEqual(([o["Key"] for o in page["Contents"]], page["ContinuationToken"]), (["b/c/3", "b/c/4"], token))
        self.fails(400, "InvalidArgument", self.s3.list_objects_v2, Bucket=self.bucket, ContinuationToken="no token")

    def test_version_1_markers(self):
        page = self.s3.list_objects(Bucket=self.bucket, MaxKeys=2)
        self.assertNotIn("NextMarker", page)  # without a delimiter the last key serves
        self.assertEqual(page["IsTruncated"], True)
        page = self.s3.list_objects(Bucket=self.bucket, MaxKeys=2, Delimiter="/")
        self.assertEqual(page["NextMarker"], "b/")
        page = self.s3.list_objects(Bucket=self.bucket, Marker="größer")
        self.assertEqual(([o["Key"] for o in page["Contents"]], page["Marker"]), (["z/1", "z/2", "\U0001f600"], "größer"))

    def test_no_keys_wanted(self):
        for function in (self.s3.list_objects, self.s3.list_objects_v2):
            page = function(Bucket=self.bucket, MaxKeys=0)
            self.assertEqual((page.get("Contents", []), page["IsTruncated"]), ([], False))

    def test_empty_bucket(self):
        name = self.new_bucket()
        self.assertNotIn("Contents", self.s3.list_objects(Bucket=name))
        self.assertEqual(self.s3.list_objects_v2(Bucket=name)["KeyCount"], 0)

    def test_wrong_parameters(self):
        for target in ["?max-keys=-1", "?max-keys=x", "?encoding-type=base64", "?list-type=3", "?colour=red"]:
            with self.subTest(target):
                answer = call("GET", f"/{self.bucket}{target}")
                self.assertEqual((answer.status, text(ET.fromstring(answer.body), "Code")), (400, "InvalidArgument"))


class EncodingType(Test):
    """boto3 asks for encoding-type=url by itself and decodes; here is what was sent."""

    def test_keys_that_no_xml_can_hold(self):
        keys = ["bell\x07", "unit\x1dseparator/1", "tab\t", "return\r\n", "&<>\"'"]
        for key in keys:
            self.put(key)
        page = self.s3.list_objects_v2(Bucket=self.bucket)
        self.assertEqual(sorted(o["Key"] for o in page["Contents"]), sorted(keys))
        self.assertEqual(page["EncodingType"], "url")
        page = self.s3.list_objects(Bucket=self.bucket, Delimiter="\x1d", Prefix="unit")
        self.assertEqual((page["CommonPrefixes"], page["Delimiter"]), ([{"Prefix": "unit\x1d"}], "\x1d"))

    def test_on_the_wire(self):
        self.put("a b+c/ö~*")
        for query, want in [("?encoding-type=url", "a%20b%2Bc/%C3%B6~%2A"), ("", "a b+c/ö~*")]:
            root = ET.fromstring(call("GET", f"/{self.bucket}{query}").body)
            self.assertEqual([text(c, "Key") for c in children(root, "Contents")], [want])


if __name__ == "__main__":
    main()

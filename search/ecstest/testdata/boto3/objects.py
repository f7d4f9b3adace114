"""Objects: their bytes, headers, ranges, conditions and copies."""
import datetime
import hashlib

from common import Test, main

ODD_KEYS = ["a b", "plus+plus", "per%cent", "per%20cent", "größer/Ωμέγα", "\U0001f600", "/leading", "trailing/", "two//slashes",
            "./dot", "a/../b", "..", "~tilde*star", "'single' \"double\"", "a=b&c=d;e", "q?query=x#fragment", "(par)[br]{cur}",
            "semi;colon:at@comma,", "back\\slash|pipe^caret`", "<angle>", "tab\there", "k" * 1024]


class Objects(Test):
    def test_bytes(self):
        for body in [b"", b"x", bytes(range(256)) * 1200]:
            with self.subTest(len(body)):
                tag = '"' + hashlib.md5(body).hexdigest() + '"'
                self.assertEqual(self.put("k", body)["ETag"], tag)
                got = self.get("k")
                self.assertEqual(got["Body"].read(), body)
                self.assertEqual((got["ContentLength"], got["ETag"]), (len(body), tag))
                head = self.head("k")
                self.assertEqual((head["ContentLength"], head["ETag"], head["AcceptRanges"]), (len(body), tag, "bytes"))
                age = datetime.datetime.now(datetime.timezone.utc) - head["LastModified"]
                self.assertLess(abs(age.total_seconds()), 60)

    def test_odd_keys(self):
        for key in ODD_KEYS:
            with self.subTest(key):
                self.put(key, key.encode())
                self.assertEqual(self.body(key), key.encode())
                self.assertEqual(self.head(key)["ContentLength"], len(key.encode()))
        self.assertEqual(sorted(o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]), sorted(ODD_KEYS))
        for key in ODD_KEYS:
            with self.subTest(key):
                self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource={"Bucket": self.bucket, "Key": key})
                self.assertEqual(self.body("copy"), key.encode())
                self.s3.delete_object(Bucket=self.bucket, Key=key)
                self.fails(404, "NoSuchKey", self.get, key)

    def test_too_long_a_key(self):
        self.fails(400, "KeyTooLongError", self.put, "k" * 1025)

    def test_user_metadata(self):
        metadata = {"color": "red", "Mixed-Case": "Kept Value", "empty": "", "spaces": "a  b", "list": "1, 2;3", "percent": "gr%C3%B6%C3%9Fer"}
        self.put("k", Metadata=metadata)
        want = {k.lower(): v for k, v in metadata.items()}
        self.assertEqual(self.head("k")["Metadata"], want)
        self.assertEqual(self.get("k")["Metadata"], want)
        self.put("k")
        self.assertEqual(self.head("k")["Metadata"], {})

    def test_content_headers(self):
        expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        sent = {"ContentType": "text/plain; charset=utf-8", "ContentEncoding": "gzip", "ContentDisposition": 'attachment; filename="a b.txt"',
                "ContentLanguage": "de, en", "CacheControl": "max-age=60, no-transform"}
        self.put("k", Expires=expires, **sent)
        for got in (self.head("k"), self.get("k")):
            self.assertEqual({name: got[name] for name in sent}, sent)
            self.assertEqual(got["ExpiresString"], "Wed, 02 Jan 2030 03:04:05 GMT")
        self.put("k")
        self.assertEqual(self.head("k")["ContentType"], "application/octet-stream")

    def test_response_overrides(self):
        self.put("k", ContentType="text/plain")
        over = {"ContentType": "text/html", "ContentEncoding": "identity", "ContentDisposition": 'inline; x="a b"',
                "ContentLanguage": "fr", "CacheControl": "no-cache"}
        got = self.get("k", ResponseExpires=datetime.datetime(2031, 1, 1), **{"Response" + k: v for k, v in over.items()})
        self.assertEqual({k: got[k] for k in over}, over)
        self.assertEqual(got["ExpiresString"], "Wed, 01 Jan 2031 00:00:00 GMT")
        self.assertEqual(self.get("k")["ContentType"], "text/plain")

    def test_delete(self):
        self.put("k")
        for _ in range(2):  # what is not there is deleted all the same
            self.assertEqual(self.s3.delete_object(Bucket=self.bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"], 204)
        self.fails(404, "404", self.head, "k")
        self.assertEqual(self.fails(404, "NoSuchKey", self.get, "k")["Error"]["Key"], "k")
        self.fails(404, "NoSuchBucket", self.s3.delete_object, Bucket="nowhere", Key="k")

    def test_acl(self):
        self.put("k")
        acl = self.s3.get_object_acl(Bucket=self.bucket, Key="k")
        self.assertEqual((acl["Owner"]["ID"], acl["Grants"][0]["Permission"]), ("ecsfs-demo-key", "FULL_CONTROL"))
        self.fails(404, "NoSuchKey", self.s3.get_object_acl, Bucket=self.bucket, Key="nothing")

    def test_headers_that_are_not_looked_at(self):
        self.put("k", b"hello", ACL="private", StorageClass="STANDARD", ServerSideEncryption="AES256", Tagging="a=b")
        self.assertEqual(self.body("k", RequestPayer="requester", ExpectedBucketOwner="000000000000"), b"hello")

    def test_errors_have_a_request_id(self):
        response = self.fails(404, "NoSuchKey", self.get, "k")
        self.assertRegex(response["ResponseMetadata"]["RequestId"], "^7f000001:[0-9a-f]+:[0-9a-f]+:0$")
        self.assertEqual(response["ResponseMetadata"]["HTTPHeaders"]["content-type"], "application/xml")

    def test_content_md5(self):
        self.put("k", b"hello", ContentMD5="XUFAKrxLKna5cZ2REBfFkg==")
        self.fails(400, "BadDigest", self.put, "k", b"hullo", ContentMD5="XUFAKrxLKna5cZ2REBfFkg==")
        self.fails(400, "InvalidDigest", self.put, "k", b"hello", ContentMD5="hello")
        self.assertEqual(self.body("k"), b"hello")


class Ranges(Test):
    def setUp(self):
        super().setUp()
        self.put("k", b"0123456789")
        self.put("empty", b"")

    def test_parts(self):
        for asked, body, told in [("bytes=0-0", b"0", "bytes 0-0/10"), ("bytes=2-5", b"2345", "bytes 2-5/10"), ("bytes=7-", b"789", "bytes 7-9/10"),
                                  ("bytes=-3", b"789", "bytes 7-9/10"), ("bytes=5-99", b"56789", "bytes 5-9/10"), ("bytes=-99", b"0123456789", "bytes 0-9/10")]:
            with self.subTest(asked):
                got = self.get("k", Range=asked)
                self.assertEqual((got["Body"].read(), got["ContentRange"], got["ContentLength"]), (body, told, len(body)))
                self.assertEqual(got["ResponseMetadata"]["HTTPStatusCode"], 206)
                self.assertEqual(self.head("k", Range=asked)["ContentLength"], len(body))

    def test_no_such_part(self):
        for key, asked in [("k", "bytes=10-"), ("k", "bytes=10-20"), ("k", "bytes=-0"), ("empty", "bytes=0-0")]:
            with self.subTest(f"{key} {asked}"):
                self.fails(416, "InvalidRange", self.get, key, Range=asked)
                self.fails(416, "416", self.head, key, Range=asked)

    def test_what_is_ignored(self):
        for asked in ["bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"]:
            with self.subTest(asked):
                got = self.get("k", Range=asked)
                self.assertEqual((got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]), (b"0123456789", 200))


class Conditions(Test):
    def setUp(self):
        super().setUp()
        self.tag = self.put("k", b"hello")["ETag"]
        self.at = self.head("k")["LastModified"]
        self.before, self.after = self.at - datetime.timedelta(hours=1), self.at + datetime.timedelta(hours=1)

    def test_met(self):
        for condition in [{"IfMatch": self.tag}, {"IfMatch": "*"}, {"IfMatch": f'"x", {self.tag}'}, {"IfNoneMatch": '"x"'},
                          {"IfModifiedSince": self.before}, {"IfUnmodifiedSince": self.at}, {"IfUnmodifiedSince": self.after},
                          {"IfMatch": self.tag, "IfUnmodifiedSince": self.before}, {"IfNoneMatch": '"x"', "IfModifiedSince": self.after}]:
            with self.subTest(str(condition)):
                self.assertEqual(self.body("k", **condition), b"hello")
                self.assertEqual(self.head("k", **condition)["ETag"], self.tag)

    def test_failed(self):
        for condition in [{"IfMatch": '"x"'}, {"IfUnmodifiedSince": self.before}]:
            with self.subTest(str(condition)):
                self.fails(412, "PreconditionFailed", self.get, "k", **condition)
                self.fails(412, "412", self.head, "k", **condition)

    def test_not_modified(self):
        for condition in [{"IfNoneMatch": self.tag}, {"IfNoneMatch": "*"}, {"IfModifiedSince": self.at}, {"IfModifiedSince": self.after},
                          {"IfNoneMatch": self.tag, "IfModifiedSince": self.before}]:
            with self.subTest(str(condition)):
                response = self.fails(304, "304", self.get, "k", **condition)
                self.assertEqual(response["ResponseMetadata"]["HTTPHeaders"]["etag"], self.tag)
                self.fails(304, "304", self.head, "k", **condition)

    def test_writes(self):
        self.fails(412, "PreconditionFailed", self.put, "k", b"new", IfNoneMatch="*")
        self.fails(412, "PreconditionFailed", self.put, "k", b"new", IfMatch='"x"')
        self.fails(404, "NoSuchKey", self.put, "other", b"new", IfMatch=self.tag)
        self.assertEqual(self.body("k"), b"hello")
        self.put("k", b"new", IfMatch=self.tag)
        self.put("other", b"new", IfNoneMatch="*")
        self.assertEqual(self.body("k"), b"new")


class Copies(Test):
    def setUp(self):
        super().setUp()
        self.tag = self.put("from", b"hello", Metadata={"color": "red"}, ContentType="text/plain", CacheControl="no-cache")["ETag"]
        self.source = {"Bucket": self.bucket, "Key": "from"}

    def copy(self, key="to", **arguments):
        return self.s3.copy_object(Bucket=self.bucket, Key=key, CopySource=self.source, **arguments)

    def told(self, key):
        head = self.head(key)
        return head["Metadata"], head["ContentType"], head.get("CacheControl")

    def test_as_it_is(self):
        answer = self.copy()["CopyObjectResult"]
        self.assertEqual(answer["ETag"], self.tag)
        self.assertEqual(self.head("to")["LastModified"], answer["LastModified"].replace(microsecond=0))
        self.assertEqual((self.body("to"), self.told("to")), (b"hello", ({"color": "red"}, "text/plain", "no-cache")))

    def test_metadata_of_its_own(self):
        self.copy(MetadataDirective="REPLACE", Metadata={"size": "big"}, ContentType="text/html")
        self.assertEqual((self.body("to"), self.told("to")), (b"hello", ({"size": "big"}, "text/html", None)))
        self.copy(MetadataDirective="COPY", Metadata={"size": "big"})
        self.assertEqual(self.told("to"), ({"color": "red"}, "text/plain", "no-cache"))

    def test_onto_itself(self):
        self.fails(400, "InvalidRequest", self.copy, "from")
        self.copy("from", MetadataDirective="REPLACE", Metadata={"color": "blue"})
        self.assertEqual((self.body("from"), self.told("from")), (b"hello", ({"color": "blue"}, "application/octet-stream", None)))

    def test_to_another_bucket(self):
        other = self.new_bucket()
        self.s3.copy_object(Bucket=other, Key="to", CopySource=f"/{self.bucket}/from")
        self.assertEqual(self.s3.get_object(Bucket=other, Key="to")["Body"].read(), b"hello")

    def test_conditions(self):
        at = self.head("from")["LastModified"]
        before, after = at - datetime.timedelta(hours=1), at + datetime.timedelta(hours=1)
        for condition in [{"CopySourceIfMatch": self.tag}, {"CopySourceIfNoneMatch": '"x"'}, {"CopySourceIfModifiedSince": before},
                          {"CopySourceIfUnmodifiedSince": after}]:
            self.copy(**condition)
        for condition in [{"CopySourceIfMatch": '"x"'}, {"CopySourceIfNoneMatch": self.tag}, {"CopySourceIfModifiedSince": after},
                          {"CopySourceIfUnmodifiedSince": before}]:
            with self.subTest(str(condition)):
                self.fails(412, "PreconditionFailed", self.copy, "never", **condition)
        self.fails(404, "404", self.head, "never")

    def test_no_source(self):
        self.fails(404, "NoSuchKey", self.s3.copy_object, Bucket=self.bucket, Key="to", CopySource=f"{self.bucket}/nothing")
        self.fails(404, "NoSuchBucket", self.s3.copy_object, Bucket=self.bucket, Key="to", CopySource="nowhere/from")

    def test_copy_of_the_transfer_manager(self):
        self.s3.copy(self.source, self.bucket, "managed")
        self.assertEqual(self.body("managed"), b"hello")


if __name__ == "__main__":
    main()

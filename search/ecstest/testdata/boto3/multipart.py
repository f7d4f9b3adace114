"""Uploads in parts: by the transfer manager, and call by call."""
import base64
import hashlib
import io
import os
import tempfile
import zlib

from boto3.s3.transfer import TransferConfig

from common import TLS_ENDPOINT, Test, client, main

MIB = 1 << 20
PART = 5 * MIB


def pattern(size, seed=1):
    """Bytes of which no two blocks are alike."""
    block = bytearray()
    for i in range(size // 32 + 1):
        block += hashlib.sha256(b"%d %d" % (seed, i)).digest()
    return bytes(block[:size])


DATA = pattern(21 * MIB + 12345)


class TransferManager(Test):
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)

    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "file")
            with open(path, "wb") as f:
                f.write(DATA)
            for name, s3 in (("http", self.s3), ("https", client(TLS_ENDPOINT)), ("version 2", client(signature_version="s3")),
                             ("when_required", client(request_checksum_calculation="when_required"))):
                with self.subTest(name):
                    s3.upload_file(path, self.bucket, "k", Config=self.config, ExtraArgs={"Metadata": {"color": "red"}, "ContentType": "text/x"})
                    head = self.head("k")
                    self.assertEqual((head["ContentLength"], head["Metadata"], head["ContentType"]), (len(DATA), {"color": "red"}, "text/x"))
                    sums = b"".join(hashlib.md5(DATA[i:i + PART]).digest() for i in range(0, len(DATA), PART))
                    self.assertEqual(head["ETag"], f'"{hashlib.md5(sums).hexdigest()}-5"')
                    back = os.path.join(folder, "back")
                    s3.download_file(self.bucket, "k", back, Config=self.config)
                    with open(back, "rb") as f:
                        self.assertTrue(f.read() == DATA, "other bytes came back")
            self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=self.bucket))

    def test_stream(self):
        self.s3.upload_fileobj(io.BytesIO(DATA), self.bucket, "k", Config=self.config)
        back = io.BytesIO()
        self.s3.download_fileobj(self.bucket, "k", back, Config=self.config)
        self.assertTrue(back.getvalue() == DATA, "other bytes came back")

    def test_copy_in_parts(self):
        self.put("from", DATA, Metadata={"color": "red"})
        self.s3.copy({"Bucket": self.bucket, "Key": "from"}, self.bucket, "to", Config=self.config)
        self.assertTrue(self.body("to") == DATA, "other bytes were copied")
        self.assertRegex(self.head("to")["ETag"], '-5"$')


class Parts(Test):
    def setUp(self):
        super().setUp()
        self.upload = self.begin("k", Metadata={"color": "red"})
        self.arguments = {"Bucket": self.bucket, "Key": "k", "UploadId": self.upload}

    def begin(self, key, **arguments):
        return self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, **arguments)["UploadId"]

    def part(self, number, body, **arguments):
        answer = self.s3.upload_part(Body=body, PartNumber=number, **{**self.arguments, **arguments})
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def complete(self, *parts, **arguments):
        return self.s3.complete_multipart_upload(MultipartUpload={"Parts": list(parts)}, **{**self.arguments, **arguments})

    def test_life(self):
        one, two = DATA[:PART], b"the end"
        three = self.part(3, two)
        self.part(1, b"replaced" * 700000)
        first = self.part(1, one)
        self.assertEqual(first["ETag"], '"' + hashlib.md5(one).hexdigest() + '"')
        listed = self.s3.list_parts(**self.arguments)
        self.assertEqual([(p["PartNumber"], p["ETag"], p["Size"]) for p in listed["Parts"]],
                         [(1, first["ETag"], len(one)), (3, three["ETag"], len(two))])
        self.assertEqual((listed["Key"], listed["UploadId"], listed["IsTruncated"]), ("k", self.upload, False))
        self.fails(404, "NoSuchKey", self.get, "k")
        answer = self.complete(first, three)
        tag = '"' + hashlib.md5(hashlib.md5(one).digest() + hashlib.md5(two).digest()).hexdigest() + '-2"'
        self.assertEqual((answer["Bucket"], answer["Key"], answer["ETag"]), (self.bucket, "k", tag))
        got = self.get("k")
        self.assertEqual((got["ETag"], got["Metadata"], got["ContentLength"]), (tag, {"color": "red"}, len(one) + len(two)))
        self.assertTrue(got["Body"].read() == one + two, "other bytes came back")
        self.assertEqual(self.body("k", Range=f"bytes={PART - 3}-{PART + 2}"), one[-3:] + two[:3])
        self.assertEqual(self.s3.list_objects_v2(Bucket=self.bucket)["Contents"][0]["ETag"], tag)
        self.fails(404, "NoSuchUpload", self.s3.list_parts, **self.arguments)

    def test_wrong_completions(self):
        small, first, last = self.part(1, b"small"), self.part(2, DATA[:PART]), self.part(3, b"x")
        self.fails(400, "EntityTooSmall", self.complete, small, first)
        self.fails(400, "InvalidPartOrder", self.complete, last, first)
        self.fails(400, "InvalidPart", self.complete, first, {"PartNumber": 4, "ETag": last["ETag"]})
        self.fails(400, "InvalidPart", self.complete, first, {"PartNumber": 3, "ETag": first["ETag"]})
        self.fails(400, "MalformedXML", self.complete)
        self.fails(404, "NoSuchUpload", self.complete, first, UploadId="nothing")
        self.fails(404, "NoSuchUpload", self.complete, first, Key="other")
        self.complete(first, last)
        self.assertEqual(self.head("k")["ContentLength"], PART + 1)

    def test_part_numbers(self):
        self.part(10000, b"x")
        for number in (0, 10001):
            self.fails(400, "InvalidArgument", self.part, number, b"x")
        self.fails(404, "NoSuchUpload", self.part, 1, b"x", UploadId="nothing")

    def test_abort(self):
        self.part(1, b"x")
        self.assertEqual(self.s3.abort_multipart_upload(**self.arguments)["ResponseMetadata"]["HTTPStatusCode"], 204)
        self.fails(404, "NoSuchUpload", self.s3.abort_multipart_upload, **self.arguments)
        self.fails(404, "NoSuchUpload", self.part, 1, b"x")
        self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=self.bucket))

    def test_list_of_parts_by_page(self):
        for number in range(1, 6):
            self.part(number * 2, b"x" * number)
        for size in (1, 2, 5, 1000):
            pages = list(self.s3.get_paginator("list_parts").paginate(PaginationConfig={"PageSize": size}, **self.arguments))
            self.assertEqual([(p["PartNumber"], p["Size"]) for page in pages for p in page["Parts"]], [(n * 2, n) for n in range(1, 6)])
            self.assertEqual(len(pages), -(-5 // size))

    def test_list_of_uploads(self):
        uploads = [("k", self.upload)] + [(key, self.begin(key)) for key in ["a/1", "a/2", "a/2", "k ö+", "z"]]
        for size in (1, 2, 1000):
            pages = list(self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, PaginationConfig={"PageSize": size}))
            listed = [(u["Key"], u["UploadId"]) for page in pages for u in page["Uploads"]]
            self.assertEqual(sorted(listed), sorted(uploads))
            self.assertEqual([k for k, _ in listed], sorted(k for k, _ in uploads))
        page = self.s3.list_multipart_uploads(Bucket=self.bucket, Delimiter="/")
        self.assertEqual((page["CommonPrefixes"], [u["Key"] for u in page["Uploads"]]), ([{"Prefix": "a/"}], ["k", "k ö+", "z"]))
        page = self.s3.list_multipart_uploads(Bucket=self.bucket, Prefix="a/")
        self.assertEqual([u["Key"] for u in page["Uploads"]], ["a/1", "a/2", "a/2"])
        self.assertEqual(page["Uploads"][0]["Initiator"]["ID"], "ecsfs-demo-key")

    def test_copied_parts(self):
        self.put("source ö", DATA[:PART + 100])
        source = {"Bucket": self.bucket, "Key": "source ö"}
        first = self.s3.upload_part_copy(CopySource=source, CopySourceRange=f"bytes=0-{PART - 1}", PartNumber=1, **self.arguments)["CopyPartResult"]
        last = self.s3.upload_part_copy(CopySource=source, CopySourceRange=f"bytes={PART}-{PART + 99}", PartNumber=2, **self.arguments)["CopyPartResult"]
        self.assertEqual(first["ETag"], '"' + hashlib.md5(DATA[:PART]).hexdigest() + '"')
        self.fails(400, "InvalidArgument", self.s3.upload_part_copy, CopySource=source, CopySourceRange="bytes=5-99999999", PartNumber=3, **self.arguments)
        self.fails(404, "NoSuchKey", self.s3.upload_part_copy, CopySource={"Bucket": self.bucket, "Key": "no"}, PartNumber=3, **self.arguments)
        self.fails(412, "PreconditionFailed", self.s3.upload_part_copy, CopySource=source, CopySourceIfMatch='"x"', PartNumber=3, **self.arguments)
        self.complete({"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": last["ETag"]})
        self.assertTrue(self.body("k") == DATA[:PART + 100], "other bytes were copied")

    def test_read_by_part(self):
        self.complete(self.part(1, DATA[:PART]), self.part(2, b"the end"))
        got = self.get("k", PartNumber=2)
        self.assertEqual((got["Body"].read(), got["ContentRange"], got["PartsCount"]), (b"the end", f"bytes {PART}-{PART + 6}/{PART + 7}", 2))
        self.assertEqual(self.head("k", PartNumber=1)["ContentLength"], PART)

    def test_checksum_of_the_whole(self):
        self.upload = self.begin("k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        self.arguments["UploadId"] = self.upload
        body = DATA[:PART + 10]
        parts = []
        for number, piece in enumerate([body[:PART], body[PART:]], 1):
            answer = self.s3.upload_part(Body=piece, PartNumber=number, ChecksumAlgorithm="CRC32", **self.arguments)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
        whole = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        self.assertEqual(self.complete(*parts)["ChecksumCRC32"], whole)
        head = self.head("k", ChecksumMode="ENABLED")
        self.assertEqual((head["ChecksumCRC32"], head["ChecksumType"]), (whole, "FULL_OBJECT"))
        self.assertTrue(self.body("k", ChecksumMode="ENABLED") == body)

    def test_checksum_of_the_parts(self):
        self.upload = self.begin("k", ChecksumAlgorithm="SHA256")
        self.arguments["UploadId"] = self.upload
        pieces = [DATA[:PART], b"the end"]
        parts = []
        for number, piece in enumerate(pieces, 1):
            answer = self.s3.upload_part(Body=piece, PartNumber=number, ChecksumAlgorithm="SHA256", **self.arguments)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]})
        sums = hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in pieces)).digest()
        want = base64.b64encode(sums).decode() + "-2"
        self.assertEqual(self.complete(*parts)["ChecksumSHA256"], want)
        self.assertEqual(self.head("k", ChecksumMode="ENABLED")["ChecksumSHA256"], want)

    def test_conditions(self):
        self.put("k")
        part = self.part(1, b"x")
        self.fails(412, "PreconditionFailed", self.complete, part, IfNoneMatch="*")
        self.complete(part, IfMatch=self.head("k")["ETag"])

    def test_bucket_with_an_upload(self):
        self.s3.abort_multipart_upload(**self.arguments)
        self.s3.delete_bucket(Bucket=self.bucket)
        self.fails(404, "NoSuchBucket", self.s3.create_multipart_upload, Bucket=self.bucket, Key="k")

    def test_search(self):
        self.bucket = self.new_bucket("Size,x-amz-meta-n;integer")
        self.arguments["Bucket"] = self.bucket
        self.arguments["UploadId"] = self.begin("k", Metadata={"n": "7"})
        part = self.part(1, b"hello")
        from common import call
        self.assertNotIn(b"<object>", call("GET", f"/{self.bucket}?query=x-amz-meta-n%3D%3D7").body)
        self.complete(part)
        self.assertIn(b"<objectName>k</objectName>", call("GET", f"/{self.bucket}?query=x-amz-meta-n%3D%3D7%20and%20Size%3D%3D5").body)


if __name__ == "__main__":
    main()

"""Buckets: making, finding, listing and removing them."""
from common import Test, call, children, client, main, numbers, text
import xml.etree.ElementTree as ET


class Buckets(Test):
    def test_life(self):
        name = f"life-{next(numbers)}"
        self.fails(404, "404", self.s3.head_bucket, Bucket=name)
        self.fails(404, "NoSuchBucket", self.s3.list_objects_v2, Bucket=name)
        self.fails(404, "NoSuchBucket", self.s3.put_object, Bucket=name, Key="k", Body=b"x")
        self.assertEqual(self.s3.create_bucket(Bucket=name)["Location"], "/" + name)
        self.assertEqual(self.s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"], 200)
        self.fails(409, "BucketAlreadyOwnedByYou", self.s3.create_bucket, Bucket=name)
        self.assertEqual(self.s3.delete_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"], 204)
        self.fails(404, "NoSuchBucket", self.s3.delete_bucket, Bucket=name)

    def test_list(self):
        others = [self.new_bucket() for _ in range(3)]
        answer = self.s3.list_buckets()
        listed = {b["Name"]: b["CreationDate"] for b in answer["Buckets"]}
        self.assertLessEqual({self.bucket, *others}, set(listed))
        self.assertEqual(list(listed), sorted(listed))
        self.assertEqual(answer["Owner"]["ID"], "ecsfs-demo-key")

    def test_a_region_is_not_looked_at(self):
        name = self.new_bucket(CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        self.assertIsNone(self.s3.get_bucket_location(Bucket=name)["LocationConstraint"])
        self.assertEqual(client(s3={}, region_name="eu-central-1").list_objects_v2(Bucket=name)["KeyCount"], 0)
        self.fails(404, "NoSuchBucket", self.s3.get_bucket_location, Bucket="nowhere")

    def test_names(self):
        for name in ["TESTBUCKET1", "with_underscore", "dots.in.it", "x"]:
            self.s3.create_bucket(Bucket=name)
            self.s3.head_bucket(Bucket=name)
            self.s3.delete_bucket(Bucket=name)
        self.fails(400, "InvalidBucketName", self.s3.create_bucket, Bucket="two..dots")

    def test_not_empty(self):
        self.put("k")
        self.fails(409, "BucketNotEmpty", self.s3.delete_bucket, Bucket=self.bucket)
        self.s3.delete_object(Bucket=self.bucket, Key="k")
        self.s3.delete_bucket(Bucket=self.bucket)

    def test_versioning_of_a_new_bucket(self):
        self.assertNotIn("Status", self.s3.get_bucket_versioning(Bucket=self.bucket))

    def test_acl(self):
        acl = self.s3.get_bucket_acl(Bucket=self.bucket)
        self.assertEqual(acl["Owner"]["ID"], "ecsfs-demo-key")
        self.assertEqual([(g["Grantee"]["ID"], g["Grantee"]["Type"], g["Permission"]) for g in acl["Grants"]],
                         [("ecsfs-demo-key", "CanonicalUser", "FULL_CONTROL")])
        self.fails(404, "NoSuchBucket", self.s3.get_bucket_acl, Bucket="nowhere")

    def test_what_is_not_served(self):
        for function in ["get_bucket_cors", "get_bucket_tagging", "get_bucket_policy", "get_bucket_lifecycle_configuration"]:
            with self.subTest(function):
                self.fails(501, "NotImplemented", getattr(self.s3, function), Bucket=self.bucket)


class SearchKeys(Test):
    """The header x-emc-metadata-search, added by an event hook."""

    def listed(self, name):
        root = ET.fromstring(call("GET", f"/{name}?searchmetadata").body)
        return sorted((text(k, "Name"), text(k, "Datatype")) for k in children(root, "IndexableKeys", "Key"))

    def test_create(self):
        name = self.new_bucket("Size,LastModified;datetime,ObjectName;String,x-amz-meta-N;Integer,x-amz-meta-d;decimal,x-amz-meta-t;DateTime")
        self.assertEqual(self.listed(name), [
            ("LastModified", "datetime"), ("ObjectName", "string"), ("Size", "integer"),
            ("x-amz-meta-d", "decimal"), ("x-amz-meta-n", "integer"), ("x-amz-meta-t", "datetime")])

    def test_thirty_keys(self):
        keys = [f"x-amz-meta-k{i};string" for i in range(30)]
        self.assertEqual(len(self.listed(self.new_bucket(",".join(keys)))), 30)

    def test_refused(self):
        for keys in ["x-amz-meta-a", "x-amz-meta-a;text", "Size;string", "ContentType", "a;string", "x-amz-meta-;string",
                     "Size,Size", ",".join(f"x-amz-meta-k{i};string" for i in range(31))]:
            with self.subTest(keys):
                self.fails(400, "InvalidArgument", self.new_bucket, keys)

    def test_with_the_other_headers_of_ecs(self):
        name = f"ecs-{next(numbers)}"
        answer = call("PUT", f"/{name}", {
            "x-emc-metadata-search": "Size", "x-emc-namespace": "ns1", "x-emc-dataservice-vpool": "urn:storageos:pool",
            "x-emc-vpool": "urn:storageos:pool", "x-emc-file-system-access-enabled": "false", "x-emc-is-stale-allowed": "true",
            "x-emc-server-side-encryption-enabled": "false", "x-emc-retention-period": "0", "x-emc-compliance-enabled": "false"})
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(self.listed(name), [("Size", "integer")])

    def test_another_header_on_a_bucket_that_is_there(self):
        name = self.new_bucket("Size")
        self.assertEqual(call("PUT", f"/{name}", {"x-emc-metadata-search": "Owner"}).status, 409)
        self.assertEqual(self.listed(name), [("Size", "integer")])


if __name__ == "__main__":
    main()

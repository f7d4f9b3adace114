"""Metadata search and the other calls that are ECS's own, signed by botocore."""
import urllib.parse
import xml.etree.ElementTree as ET

from common import ENDPOINT, Test, call, children, main, quote, send, text
from botocore.awsrequest import AWSRequest

EXPRESSION = "x-amz-meta-count>=0"


class Search(Test):
    colors = ["red", "blue", "it's green", "red & blue; 100% + more", 'say "white"', "größer"]

    def setUp(self):
        self.bucket = self.new_bucket("Size,LastModified,CreateTime,ObjectName,Owner,x-amz-meta-Color;String,x-amz-meta-count;Integer,"
                                      "x-amz-meta-price;decimal,x-amz-meta-due;datetime")
        for i, color in enumerate(self.colors):
            # HTTP header values are ASCII in boto3: what is not is sent percent-encoded, as the ECS clients do.
            self.put(f"cans/{i}", b"x" * i, ContentType="text/plain", Metadata={
                "Color": color if color.isascii() else quote(color), "count": str(i), "price": f"{i}.50",
                "due": f"2024-01-0{i + 1}T00:00:00Z", "free": "text"})

    def page(self, expression, slash="", **parameters):
        """One page; parameters' names have "_" for "-"."""
        target = f"/{self.bucket}{slash}?query={quote(expression)}" + "".join(
            f"&{name.replace('_', '-')}={quote(str(value))}" for name, value in parameters.items())
        answer = call("GET", target)
        self.assertEqual(answer.status, 200, answer.body)
        return ET.fromstring(answer.body)

    def names(self, expression, **parameters):
        return sorted(text(o, "objectName") for o in children(self.page(expression, **parameters), "ObjectMatches", "object"))

    def entries(self, row):
        return {text(b, "type"): {text(e, "key"): text(e, "value") for e in children(b, "mdMap", "entry")} for b in children(row, "queryMds")}

    def test_expressions(self):
        everything = [f"cans/{i}" for i in range(6)]
        for expression, want in [
            ("x-amz-meta-count>=2", everything[2:]), ("Size<2", everything[:2]), ("size==3", everything[3:4]),
            ("X-AMZ-META-COLOR=='red'", everything[:1]), ('x-amz-meta-color=="it\'s green"', everything[2:3]),
            ("x-amz-meta-color=='red & blue; 100% + more'", everything[3:4]), ("x-amz-meta-color=='say \"white\"'", everything[4:5]),
            ("x-amz-meta-color=='gr%C3%B6%C3%9Fer'", everything[5:]), ("x-amz-meta-price>3.25", everything[3:]),
            ("x-amz-meta-due>2024-01-03T00:00:00Z and x-amz-meta-due<=2024-01-05T00:00:00Z", everything[3:5]),
            ("(x-amz-meta-count==0 or x-amz-meta-count==5)", [everything[0], everything[5]]),
            ("x-amz-meta-count==0 OR (Size>=2 AND Size<=3)", [everything[0], everything[2], everything[3]]),
            ("ObjectName>''", everything), ("LastModified > 2018-03-01T11:22:00Z", everything), ("x-amz-meta-color=='none'", []),
        ]:
            with self.subTest(expression):
                self.assertEqual(self.names(expression), want)

    def test_both_paths(self):
        for slash in ("", "/"):
            self.assertEqual(len(children(self.page(EXPRESSION, slash), "ObjectMatches", "object")), 6)

    def test_pages(self):
        for size in (1, 2, 4, 6):
            found, marker, pages = [], None, 0
            while True:
                root = self.page(EXPRESSION, max_keys=size, **({"marker": marker} if marker else {}))
                rows = children(root, "ObjectMatches", "object")
                self.assertLessEqual(len(rows), size)
                found, marker, pages = found + [text(o, "objectName") for o in rows], text(root, "NextMarker"), pages + 1
                self.assertEqual(text(root, "IsTruncated"), "true" if marker else "false")
                if not marker:
                    break
            self.assertEqual((found, pages), ([f"cans/{i}" for i in range(6)], -(-6 // size)))

    def test_sorted(self):
        rows = children(self.page("x-amz-meta-count>=0 and x-amz-meta-color>''", sorted="x-amz-meta-color"), "ObjectMatches", "object")
        self.assertEqual([text(o, "objectName") for o in rows], [f"cans/{i}" for i in (1, 5, 2, 0, 3, 4)])

    def test_row(self):
        row = children(self.page("x-amz-meta-count==1"), "ObjectMatches", "object")[0]
        self.assertEqual((text(row, "objectName"), text(row, "versionId")), ("cans/1", "0"))
        self.assertRegex(text(row, "objectId"), "^[0-9a-f]{64}$")
        head = self.head("cans/1")
        entries = self.entries(row)
        self.assertEqual(entries["USERMD"], {"x-amz-meta-color": "blue", "x-amz-meta-count": "1", "x-amz-meta-price": "1.50",
                                             "x-amz-meta-due": "2024-01-02T00:00:00Z"})
        system = entries["SYSMD"]
        self.assertEqual(int(system["mtime"]) // 1000, int(head["LastModified"].timestamp()))
        self.assertEqual({k: system[k] for k in ("size", "object-name", "owner")}, {"size": "1", "object-name": "cans/1", "owner": "ecsfs-demo-key"})
        self.assertEqual(set(system), {"size", "object-name", "owner", "mtime", "createtime"})

    def test_attributes(self):
        for attributes, block, want in [
            ("Etag,ContentType", "SYSMD", {"etag", "ctype"}), ("ALL", "SYSMD", {"etag", "ctype", "namespace", "retention"}),
            ("ALL", "USERMD", {"x-amz-meta-free"}), ("ALL_UMD", "USERMD", {"x-amz-meta-free"}), ("ALL_SMD", "SYSMD", {"expiration", "Expires"}),
            ("x-amz-meta-free", "USERMD", {"x-amz-meta-free"}),
        ]:
            with self.subTest(attributes):
                row = children(self.page("x-amz-meta-count==1", attributes=attributes), "ObjectMatches", "object")[0]
                self.assertLessEqual(want, set(self.entries(row)[block]))
        row = children(self.page("x-amz-meta-count==1", attributes="ALL_SMD"), "ObjectMatches", "object")[0]
        self.assertNotIn("x-amz-meta-free", self.entries(row)["USERMD"])

    def test_prefix_and_delimiter(self):
        self.put("boxes/1", Metadata={"count": "1"})
        self.assertEqual(self.names("x-amz-meta-count==1", prefix="boxes/"), ["boxes/1"])
        root = self.page("x-amz-meta-count==1", delimiter="/")
        self.assertEqual(sorted(g.text for g in children(root, "CommonPrefixMatches", "PrefixGroups")), ["boxes/", "cans/"])
        self.assertEqual(children(root, "ObjectMatches", "object"), [])

    def test_encoding_type(self):
        self.put("no\x1dxml", Metadata={"count": "77"})
        root = self.page("x-amz-meta-count==77", encoding_type="url")
        row = children(root, "ObjectMatches", "object")[0]
        self.assertEqual((text(row, "objectName"), self.entries(row)["SYSMD"]["object-name"]), ("no%1Dxml", "no%1Dxml"))

    def test_older_versions_in_all_spellings(self):
        for name in ("include-older-versions", "include_older_version", "include-older-version"):
            for value in ("true", "false"):
                with self.subTest(f"{name}={value}"):
                    answer = call("GET", f"/{self.bucket}/?query={quote(EXPRESSION)}&{name}={value}")
                    self.assertEqual((answer.status, answer.body.count(b"<object>")), (200, 6))

    def test_errors(self):
        for target, code in [
            ("?query=", "InvalidArgument"), ("?query=x-amz-meta-count", "InvalidArgument"), ("?query=" + quote("x-amz-meta-other==1"), "InvalidArgument"),
            ("?query=" + quote("x-amz-meta-count=1"), "InvalidArgument"), ("?query=" + quote("x-amz-meta-count==one"), "InvalidArgument"),
            ("?query=" + quote(EXPRESSION) + "&sorted=Size", "InvalidArgument"), ("?query=" + quote(EXPRESSION) + "&marker=AAAA", "InvalidArgument"),
            ("?query=" + quote(EXPRESSION) + "&attributes=Colour", "InvalidArgument"), ("?query=" + quote("Size>1 +and Size<2"), "InvalidArgument"),
        ]:
            with self.subTest(target):
                answer = call("GET", f"/{self.bucket}{target}")
                root = ET.fromstring(answer.body)
                self.assertEqual((answer.status, root.tag, text(root, "Code")), (400, "Error", code))
                self.assertEqual(text(root, "RequestId"), answer.headers["x-amz-request-id"])
        self.assertEqual(call("GET", "/nowhere?query=" + quote(EXPRESSION)).status, 404)

    def test_what_changes_is_found(self):
        self.s3.delete_object(Bucket=self.bucket, Key="cans/0")
        self.put("cans/1", Metadata={"count": "100"})
        self.s3.copy_object(Bucket=self.bucket, Key="cans/2", CopySource={"Bucket": self.bucket, "Key": "cans/2"},
                            MetadataDirective="REPLACE", Metadata={"count": "101"})
        self.assertEqual(self.names("x-amz-meta-count>=100"), ["cans/1", "cans/2"])
        self.assertEqual(self.names("x-amz-meta-count<3"), [])
        self.assertEqual(self.names("x-amz-meta-color=='red'"), [])

    def test_user_without_metadata_search(self):
        plain = self.new_bucket()
        for method, query in [("GET", "searchmetadata"), ("GET", "query=Size%3E1"), ("DELETE", "searchmetadata")]:
            answer = call(method, f"/{plain}?{query}")
            self.assertEqual((answer.status, text(ET.fromstring(answer.body), "Code")), (400, "Metadata search not enabled"))


class SearchMetadata(Test):
    def test_system_keys(self):
        for target in ("/?searchmetadata", "/?searchmetadata="):
            root = ET.fromstring(call("GET", target).body)
            self.assertEqual(root.tag, "{http://s3.amazonaws.com/doc/2006-03-01/}MetadataSearchList")
            keys = {text(k, "Name"): text(k, "Datatype") for k in children(root, "IndexableKeys", "Key")}
            self.assertEqual(keys, {"ObjectName": "string", "Owner": "string", "Size": "integer", "CreateTime": "datetime", "LastModified": "datetime"})
            attributes = {text(k, "Name"): text(k, "Datatype") for k in children(root, "OptionalAttributes", "Attribute")}
            self.assertLessEqual({"ContentType", "Etag", "Expires", "Retention", "Namespace"}, set(attributes))

    def test_of_a_bucket(self):
        name = self.new_bucket("Size,x-amz-meta-STR;String")
        for target in (f"/{name}?searchmetadata", f"/{name}/?searchmetadata", f"/{name}?searchmetadata=", f"/{name}/?searchmetadata="):
            root = ET.fromstring(call("GET", target).body)
            self.assertEqual(text(root, "MetadataSearchEnabled"), "true")
            self.assertEqual({text(k, "Name"): text(k, "Datatype") for k in children(root, "IndexableKeys", "Key")},
                             {"Size": "integer", "x-amz-meta-str": "string"})
            self.assertEqual(len(children(root, "OptionalAttributes")), 1)

    def test_delete(self):
        name = self.new_bucket("Size")
        answer = call("DELETE", f"/{name}?searchmetadata")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(call("GET", f"/{name}?query=Size%3E1").status, 400)
        self.s3.delete_bucket(Bucket=name)


if __name__ == "__main__":
    main()

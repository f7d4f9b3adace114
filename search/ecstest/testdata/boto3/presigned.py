"""Presigned URLs, versions 4 and 2, used with no client at all."""
import datetime
import types
import urllib.parse

from common import Test, client, main, send, signed_at

HOUR = datetime.timedelta(hours=1)


def fetch(url, method="GET", body=None, headers=None):
    answer = send(types.SimpleNamespace(url=url, method=method, body=body, headers=headers or {}))
    return answer.status, answer.body, answer.headers


class Version4(Test):
    version = "s3v4"

    def setUp(self):
        super().setUp()
        self.put("a b+ö", b"hello")
        self.signer = client(signature_version=self.version)

    def url(self, operation, key="a b+ö", expires=600, **arguments):
        return self.signer.generate_presigned_url(operation, {"Bucket": self.bucket, "Key": key, **arguments}, ExpiresIn=expires)

    def expired(self):
        with signed_at(-2 * HOUR):
            return self.url("get_object", expires=3600)

    def test_get_and_head(self):
        self.assertEqual(fetch(self.url("get_object"))[:2], (200, b"hello"))
        self.assertEqual(fetch(self.url("head_object"), "HEAD")[:2], (200, b""))
        self.assertEqual(fetch(self.url("get_object"), headers={"Range": "bytes=1-2"})[:2], (206, b"el"))

    def test_put_and_delete(self):
        self.assertEqual(fetch(self.url("put_object", "new"), "PUT", b"bytes")[0], 200)
        self.assertEqual(self.body("new"), b"bytes")
        self.assertEqual(fetch(self.url("delete_object", "new"), "DELETE")[0], 204)
        self.fails(404, "404", self.head, "new")

    def test_put_with_a_type(self):
        url = self.url("put_object", "new", ContentType="text/plain")
        self.assertEqual(fetch(url, "PUT", b"bytes", {"Content-Type": "text/plain"})[0], 200)
        self.assertEqual(self.head("new")["ContentType"], "text/plain")
        self.assertEqual(fetch(url, "PUT", b"bytes", {"Content-Type": "text/html"})[0], 403)

    def test_put_with_metadata(self):
        url = self.url("put_object", "new", Metadata={"color": "red"}, ACL="private")
        headers = {} if self.version == "s3" else {"x-amz-meta-color": "red", "x-amz-acl": "private"}  # version 2 has them in the URL
        self.assertEqual(fetch(url, "PUT", b"bytes", headers)[:2], (200, b""))
        self.assertEqual(self.head("new")["Metadata"], {"color": "red"})
        if headers:
            self.assertEqual(fetch(url, "PUT", b"bytes")[0], 403)

    def test_response_headers(self):
        status, _, headers = fetch(self.url("get_object", ResponseContentType="text/x-test", ResponseContentDisposition="inline; a=b"))
        self.assertEqual((status, headers["Content-Type"], headers["Content-Disposition"]), (200, "text/x-test", "inline; a=b"))

    def test_list(self):
        url = self.signer.generate_presigned_url("list_objects_v2", {"Bucket": self.bucket, "Prefix": "a "})
        status, body, _ = fetch(url)
        self.assertEqual((status, b"<KeyCount>1</KeyCount>" in body), (200, True))

    def test_expired(self):
        status, body, _ = fetch(self.expired())
        self.assertEqual((status, b"<Code>AccessDenied</Code>" in body, b"expired" in body), (403, True, True), body)

    def test_changed(self):
        for change in [lambda url: url.replace(urllib.parse.quote("a b+ö"), "other"), lambda url: url.replace("Expires=", "Expires=1"),
                       lambda url: url.replace("Signature=", "Signature=0"), lambda url: url + "&versionId=0"]:
            url = change(self.url("get_object"))
            with self.subTest(url):
                status, body, _ = fetch(url)
                self.assertIn(status, (400, 403))  # 400: an expiry above a week
                self.assertNotIn(b"ecsfs-demo-secret", body)
        self.assertEqual(fetch(self.url("get_object"), "PUT", b"x")[0], 403)


class Version2(Version4):
    version = "s3"

    def expired(self):
        url = self.url("get_object", expires=-1)
        self.assertIn("AWSAccessKeyId=", url)
        return url


if __name__ == "__main__":
    main()

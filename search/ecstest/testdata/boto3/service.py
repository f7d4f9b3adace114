"""The calls for load balancers and clients that spread their load."""
import types
import xml.etree.ElementTree as ET

from common import ENDPOINT, Test, call, children, main, send, text

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Service(Test):
    def setUp(self):
        pass

    def test_endpoint(self):
        for target in ("/?endpoint", "/?endpoint="):
            answer = call("GET", target)
            root = ET.fromstring(answer.body)
            self.assertEqual((answer.status, root.tag), (200, S3 + "ListDataNode"))
            self.assertEqual([n.text for n in children(root, "DataNodes")], ["127.0.0.1"])
            self.assertRegex(text(root, "VersionInfo"), r"^\d+\.\d+\.\d+")

    def test_endpoint_needs_a_signature(self):
        self.assertEqual(self.unsigned("/?endpoint").status, 403)

    def unsigned(self, target, headers=None):
        return send(types.SimpleNamespace(method="GET", url=ENDPOINT + target, headers=headers or {}, body=b""))

    def test_ping(self):
        for target in ("/?ping", "/?ping="):
            answer = self.unsigned(target, {"x-emc-namespace": "x", "Connection": "close"})
            root = ET.fromstring(answer.body)
            self.assertEqual((answer.status, root.tag), (200, S3 + "PingList"))
            items = {text(i, "Name"): i for i in children(root, "PingItem")}
            self.assertGreaterEqual(int(text(items["LOAD_FACTOR"], "Value")), 0)
            self.assertEqual((text(items["MAINTENANCE_MODE"], "Status"), text(items["MAINTENANCE_MODE"], "Text")), ("OFF", "Data Node is Available"))

    def test_load_factor_alone(self):
        root = ET.fromstring(self.unsigned("/?ping&item=load-factor").body)
        self.assertEqual([text(i, "Name") for i in children(root, "PingItem")], ["LOAD_FACTOR"])

    def test_a_signed_ping(self):
        self.assertEqual(call("GET", "/?ping").status, 200)


if __name__ == "__main__":
    main()

"""Drives an ECS with boto3: an S3 client and a signer that share no code with ecsfs.

Reads ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the environment;
prints what it found, for the caller to compare.
"""
import os
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

endpoint = os.environ["ENDPOINT"]
session = boto3.Session(region_name="us-east-1")
s3 = session.client("s3", endpoint_url=endpoint, config=Config(
    s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


def with_search_keys(keys):
    def add(request, **_):
        request.headers["x-emc-metadata-search"] = keys
    return add


keys = "Size,LastModified,ObjectName,x-amz-meta-color;String,x-amz-meta-count;Integer"
handler = with_search_keys(keys)
s3.meta.events.register("before-sign.s3.CreateBucket", handler)
s3.create_bucket(Bucket="paint")
s3.meta.events.unregister("before-sign.s3.CreateBucket", handler)

colors = ["red", "blue", "it's green", "red & blue; 100% + more", "größer"]
for i, color in enumerate(colors):
    # HTTP header values are ASCII in boto3: what is not is sent percent-encoded, as the ECS clients do.
    s3.put_object(Bucket="paint", Key=f"cans/{i} {color}.txt", Body=b"x" * (i + 1),
                  ContentType="text/plain",
                  Metadata={"color": urllib.parse.quote(color, safe=" '&;+%") if not color.isascii() else color,
                            "count": str(i)})

print("buckets", [b["Name"] for b in s3.list_buckets()["Buckets"]])
print("keys", [o["Key"] for o in s3.list_objects_v2(Bucket="paint", Prefix="cans/")["Contents"]])
print("folders", [p["Prefix"] for p in s3.list_objects(Bucket="paint", Delimiter="/")["CommonPrefixes"]])
head = s3.head_object(Bucket="paint", Key="cans/1 blue.txt")
print("head", head["ContentLength"], head["ContentType"], sorted(head["Metadata"].items()))
print("range", s3.get_object(Bucket="paint", Key="cans/4 größer.txt", Range="bytes=1-2")["Body"].read())
s3.copy_object(Bucket="paint", Key="copy.txt", CopySource={"Bucket": "paint", "Key": "cans/0 red.txt"},
               Metadata={"color": "copied", "count": "40"}, MetadataDirective="REPLACE")


def call(method, path, query):
    """A request that boto3 does not have, signed by botocore."""
    text = "&".join(k if v is None else f"{k}={urllib.parse.quote(v, safe='')}" for k, v in query)
    request = AWSRequest(method, f"{endpoint}{path}?{text}")
    S3SigV4Auth(session.get_credentials(), "s3", "us-east-1").add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(request.url, method=method, headers=dict(request.headers))) as answer:
        return answer.read()


def local(tag):
    return tag.rsplit("}", 1)[-1]


def search(expression, **more):
    """All pages of a search: [(key, {attribute: value})]."""
    found, marker = [], None
    while True:
        query = [("query", expression), *((k.replace("_", "-"), v) for k, v in more.items())]
        if marker:
            query.append(("marker", marker))
        root = ET.fromstring(call("GET", "/paint/", query))
        marker = None
        for element in root:
            if local(element.tag) == "NextMarker" and element.text and element.text != "NO MORE PAGES":
                marker = element.text
            if local(element.tag) == "ObjectMatches":
                for match in element:
                    name = next(e.text for e in match if local(e.tag) == "objectName")
                    entries = [e for e in match.iter() if local(e.tag) == "entry"]
                    found.append((name, {e[0].text: e[1].text for e in entries}))
        if not marker:
            return sorted(found)


root = ET.fromstring(call("GET", "/paint", [("searchmetadata", None)]))
print("searchkeys", sorted((k[0].text, k[1].text) for k in root.iter() if local(k.tag) == "Key"))
print("integer", [k for k, _ in search("x-amz-meta-count>=2")])
print("paged", [k for k, _ in search("x-amz-meta-count>=0", max_keys="1")])
print("quoted", [k for k, _ in search("x-amz-meta-color==\"it's green\"")])
print("reserved", [k for k, _ in search("x-amz-meta-color=='red & blue; 100% + more'")])
print("encoded", [k for k, _ in search("(x-amz-meta-color=='gr%C3%B6%C3%9Fer' or x-amz-meta-color=='red')")])
print("attributes", [(k, m["size"], m["ctype"], m["x-amz-meta-color"])
                     for k, m in search("x-amz-meta-count==40", attributes="Size,ContentType,Etag")])
for o in s3.list_objects_v2(Bucket="paint")["Contents"]:
    s3.delete_object(Bucket="paint", Key=o["Key"])
print("after delete", search("x-amz-meta-count>=0"))
s3.delete_bucket(Bucket="paint")

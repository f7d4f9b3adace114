// Package sigv4 is AWS Signature Version 4 whole: it signs requests and
// verifies them, in the Authorization header and in the query string
// (presigned), and it decodes signed streaming bodies. It needs nothing but the
// standard library, so a client can sign a hot request without an SDK and a
// test server can check every request it is sent.
//
// # The computation
//
// A request is written in a canonical form ([CanonicalRequest]); its SHA-256,
// the time and the credential scope make the string to sign ([StringToSign]);
// a key derived from the secret for one day, region and service ([SigningKey])
// makes the HMAC-SHA256 of it ([Signature]). The four are pure functions;
// [Signer] and [Verifier] put them together and cache derived keys. The
// definition is AWS's, "Signature Version 4 for API requests":
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html and, for
// S3, https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
//
// # Encoding
//
// Everything works from the text as it stands in the URL, never from
// url.Values: a query is split at "&" alone, ";" is a literal, "+" is a literal
// plus (%2B in canonical form) and a blank is %20. A parameter without a value
// gets a "=", repeated names keep all their values, and the order is that of
// the encoded name, then the encoded value. What is not a letter, a digit or
// one of "-._~" is percent-encoded with capitals. A triplet and the bare
// character it stands for are the same in canonical form, except for "/" in a
// path, where %2F stays %2F. Only the signature is computed from the canonical
// form: [Signer.Sign] leaves the URL as it is, so a caller that wants every
// server to read the same query builds it with [Escape] and never sends "+"
// for a blank.
//
// A Verifier can be told to accept a second form beside this one, that of Dell
// EMC's Java client for ECS: see [Verifier.JavaEncoding].
//
// S3 encodes the path once and keeps dot segments and empty segments, since
// they are part of an object's key. Other services encode the path as sent a
// second time and clean it first. [PathRules] chooses; S3's rules hold whenever
// the service is S3.
//
// # Headers
//
// [Signer] signs host, content-length (if positive) and every header in
// Request.Header but those that a proxy or net/http itself may change:
// accept-encoding, authorization, connection, expect, forwarded, keep-alive,
// proxy-*, te, trailer, transfer-encoding, upgrade, user-agent, via,
// x-amzn-trace-id and x-forwarded-*. Set headers before signing, none after.
//
// [Verifier] demands that host and every x-amz-* header that is present be
// signed. Values are trimmed, runs of blanks become one, and several values are
// joined by commas. The parts of an Authorization header may have blanks around
// their values: some versions of ECS's Java client send one.
//
// # Payload
//
// The payload hash is the text of x-amz-content-sha256: the lower-case
// hexadecimal SHA-256 of the body, or [UnsignedPayload], or one of the
// STREAMING-... words for aws-chunked bodies. Without that header a verifier
// assumes the SHA-256 of the empty string for a request signed in its header
// (Dell EMC ECS's own Java client signs so, even for PUT) and UNSIGNED-PAYLOAD
// for a presigned S3 request. [Verified.Body] reads a body and checks it; a
// server that knows other signatures than this package's makes a Verified of its
// own for it, which reads all bodies but those of signed chunks.
//
// # Secrets
//
// [Credentials] print, format, log and marshal without the secret and the
// session token, and so does a [Signer], which embeds them. An [Error] carries
// the canonical request and the string to sign that the verifier computed,
// with a session token masked, and never a key or the signature it expected.
//
// # Concurrency and bounds
//
// A Signer and a Verifier may be used by any number of goroutines, must not be
// copied, and their fields must not change after first use. Each keeps at most
// 64 derived keys. Buffers are pooled. Lines of a streaming body are at most
// 4 KiB, its trailer at most 32 lines, its chunks at most 5 GiB.
package sigv4

package sigv4_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

const hotURL = "http://127.0.0.1:9020/bucket/folder/an%20object.dat"

func BenchmarkSign(b *testing.B) {
	s, r := s3Signer(), newRequest(b, "GET", hotURL, "Range", "bytes=0-1048575", "If-Match", `"0123456789abcdef"`)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Sign(r, sigv4.UnsignedPayload, s3Time); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignParallel(b *testing.B) {
	s := s3Signer()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := newRequest(b, "GET", hotURL, "Range", "bytes=0-1048575", "If-Match", `"0123456789abcdef"`)
		for pb.Next() {
			if err := s.Sign(r, sigv4.UnsignedPayload, s3Time); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkSignSDK is the same work by the SDK's signer, to compare with.
func BenchmarkSignSDK(b *testing.B) {
	s := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	credentials := aws.Credentials{AccessKeyID: s3Key.AccessKeyID, SecretAccessKey: s3Key.SecretAccessKey}
	r := newRequest(b, "GET", hotURL, "Range", "bytes=0-1048575", "If-Match", `"0123456789abcdef"`, "X-Amz-Content-Sha256", sigv4.UnsignedPayload)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.SignHTTP(b.Context(), credentials, r, sigv4.UnsignedPayload, "s3", "us-east-1", s3Time); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignQuery(b *testing.B) {
	s := s3Signer()
	r := newRequest(b, "GET", "http://127.0.0.1:9020/bucket?query="+sigv4.Escape("x-amz-meta-a=='x y' and Size>3")+"&max-keys=1000&attributes=Size&marker="+sigv4.Escape("a+/="))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Sign(r, "", s3Time); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPresign(b *testing.B) {
	s, r := s3Signer(), newRequest(b, "GET", hotURL)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Presign(r, time.Minute, s3Time); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	v, r := s3Verifier(), newRequest(b, "GET", hotURL, "Range", "bytes=0-1048575", "If-Match", `"0123456789abcdef"`)
	if err := s3Signer().Sign(r, sigv4.UnsignedPayload, s3Time); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}

// Signing is on the path of every hot read: an allocation more is a regression.
func TestSignAllocations(t *testing.T) {
	s, r := s3Signer(), newRequest(t, "GET", hotURL, "Range", "bytes=0-1048575")
	got := testing.AllocsPerRun(1000, func() {
		if err := s.Sign(r, sigv4.UnsignedPayload, s3Time); err != nil {
			t.Fatal(err)
		}
	})
	// The date, the Authorization header, the array that holds the values, and
	// the escaped path, which net/url makes anew.
	if want := 4.0; got > want && !raceEnabled {
		t.Errorf("%v allocations, want at most %v", got, want)
	}
}

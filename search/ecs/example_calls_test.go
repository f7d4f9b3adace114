package ecs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/sigv4"
)

// fetch gets a URL as anybody would.
func fetch(url string) string {
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url)
	check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(err)
	return strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", string(body)))
}

// One way to make a call that the AWS SDK does not have: ride on an operation
// of the same shape. A step before signing writes the query string, and another takes
// the answer before the SDK reads it; signing, retries and errors are the
// SDK's. This package makes searches and lists of search keys so.
func Example_ridingOnTheSDK() {
	srv := ecstest.NewUnstartedServer()
	srv.Start()
	defer srv.Close()
	check(srv.CreateBucket("b", "Size"))

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(ecstest.DefaultAccessKeyID, ecstest.DefaultSecretAccessKey, ""),
	})
	var answer []byte
	searchKeys := middleware.BuildMiddlewareFunc("Query", func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
		middleware.BuildOutput, middleware.Metadata, error,
	) {
		in.Request.(*smithyhttp.Request).URL.RawQuery = "searchmetadata="
		return next.HandleBuild(ctx, in)
	})
	takeAnswer := middleware.DeserializeMiddlewareFunc("Answer", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
	) {
		if out, metadata, err = next.HandleDeserialize(ctx, in); err == nil {
			resp := out.RawResponse.(*smithyhttp.Response)
			answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			resp.Body = io.NopCloser(strings.NewReader("<ListBucketResult/>"))
		}
		return out, metadata, err
	})
	_, err := client.ListObjects(context.Background(), &s3.ListObjectsInput{Bucket: aws.String("b")}, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			if err := stack.Build.Add(searchKeys, middleware.After); err != nil {
				return err
			}
			return stack.Deserialize.Insert(takeAnswer, "OperationDeserializer", middleware.After)
		})
	})
	check(err)
	fmt.Println(strings.Contains(string(answer), "<Key><Name>Size</Name><Datatype>integer</Datatype></Key>"))
	// Output: true
}

// The other way: a request of net/http, signed by package sigv4, which needs no
// SDK. This package asks for data nodes, gives up search keys and signs URLs so.
func Example_plainSignedRequest() {
	srv := ecstest.NewUnstartedServer()
	srv.Start()
	defer srv.Close()

	signer := &sigv4.Signer{
		Credentials: sigv4.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
		Region:      "us-east-1", Service: "s3",
	}
	request, err := http.NewRequest(http.MethodGet, srv.URL+"/?endpoint=", nil)
	check(err)
	check(signer.Sign(request, sigv4.EmptyPayloadHash, time.Now()))

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(request)
	check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	check(err)
	fmt.Println(resp.StatusCode, strings.Contains(string(answer), "<DataNodes>127.0.0.1</DataNodes>"))
	// Output: 200 true
}

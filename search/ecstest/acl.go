package ecstest

import "net/http"

// bucketACL answers GET /bucket?acl: the owner may do everything.
func (s *Server) bucketACL(w http.ResponseWriter, c *call) *apiError {
	var owner string
	err := s.data().view(c.Bucket, func(b *bucket) *apiError {
		owner = b.owner
		return nil
	})
	if err != nil {
		return err
	}
	writeACL(w, owner)
	return nil
}

// objectACL answers GET /bucket/key?acl.
func (s *Server) objectACL(w http.ResponseWriter, c *call) *apiError {
	var owner string
	err := s.data().view(c.Bucket, func(b *bucket) *apiError {
		o, err := b.find(c.Key, c.Query.Get("versionId"))
		tellVersion(w.Header(), b, o)
		if err != nil {
			return err
		}
		owner = o.owner
		return nil
	})
	if err != nil {
		return err
	}
	writeACL(w, owner)
	return nil
}

func writeACL(w http.ResponseWriter, owner string) {
	x := newS3XML("AccessControlPolicy")
	writeOwner(x, owner)
	x.begin("AccessControlList")
	x.begin("Grant")
	x.beginWith("Grantee", `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"`)
	writeAccount(x, owner)
	x.end()
	x.elem("Permission", "FULL_CONTROL")
	writeXML(w, http.StatusOK, x)
}

package ecstest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sysAttr is a system attribute: a key that every object has without user
// metadata.
type sysAttr struct {
	name      string
	typ       datatype
	alias     string // its key in a SYSMD block
	indexable bool   // may be named when a bucket is created
	optional  bool   // may be asked for with attributes=
	// text is the value as a SYSMD block carries it, datetimes as epoch
	// milliseconds; empty when the object has none.
	text func(s *Server, o *object) string
}

// sysAttrs is what ECS 3.8 and later list for GET /?searchmetadata. The alias
// of ObjName is not documented.
var sysAttrs = []sysAttr{
	{"ObjectName", typeString, "object-name", true, true, func(_ *Server, o *object) string { return o.key }},
	{"Owner", typeString, "owner", true, true, func(_ *Server, o *object) string { return o.owner }},
	{"Size", typeInteger, "size", true, true, func(_ *Server, o *object) string { return strconv.Itoa(len(o.data)) }},
	{"CreateTime", typeDatetime, "createtime", true, true, func(_ *Server, o *object) string { return epochMillis(o.created) }},
	{"LastModified", typeDatetime, "mtime", true, true, func(_ *Server, o *object) string { return epochMillis(o.modified) }},
	{"ContentType", typeString, "ctype", false, true, func(_ *Server, o *object) string { return o.headers.text("Content-Type") }},
	{"ContentEncoding", typeString, "encoding", false, true, func(_ *Server, o *object) string { return o.headers.text("Content-Encoding") }},
	{"Expiration", typeDatetime, "expiration", false, true, func(*Server, *object) string { return "" }},
	{"Expires", typeDatetime, "Expires", false, true, func(_ *Server, o *object) string {
		t, err := http.ParseTime(o.headers.text("Expires"))
		if err != nil {
			return ""
		}
		return epochMillis(t)
	}},
	{"Retention", typeInteger, "retention", false, true, func(*Server, *object) string { return "" }},
	{"Etag", typeString, "etag", false, true, func(_ *Server, o *object) string { return o.etag }},
	{"Namespace", typeString, "namespace", false, true, func(s *Server, _ *object) string { return s.namespace() }},
	{"ObjName", typeString, "objname", false, true, func(_ *Server, o *object) string { return o.key }},
}

func epochMillis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// findSysAttr finds a system attribute by its name in any case.
func findSysAttr(name string) *sysAttr {
	for i := range sysAttrs {
		if strings.EqualFold(sysAttrs[i].name, name) {
			return &sysAttrs[i]
		}
	}
	return nil
}

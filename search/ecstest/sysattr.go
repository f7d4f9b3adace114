package ecstest

import (
	"net/http"
	"strconv"
	"strings"
)

// sysAttr is a system attribute: a key that every object has without user
// metadata.
type sysAttr struct {
	name  string
	typ   datatype
	alias string // its key in a SYSMD block
	// text is the value as a SYSMD block carries it, datetimes as epoch
	// milliseconds; empty when the object has none.
	text func(s *Server, o *object) string
}

// sysAttrs is every system attribute of any generation: Traits says which a
// server has. Aliases are those that Dell's guide and Spark connector know; those
// of ObjName and ReplicationStatus are not documented, nor is the latter's text.
var sysAttrs = []sysAttr{
	{"ObjectName", typeString, "object-name", func(_ *Server, o *object) string { return o.key }},
	{"Owner", typeString, "owner", func(_ *Server, o *object) string { return o.owner }},
	{"Size", typeInteger, "size", func(_ *Server, o *object) string { return strconv.FormatInt(o.size(), 10) }},
	{"CreateTime", typeDatetime, "createtime", func(_ *Server, o *object) string { return epochMillis(o.modified) }},
	{"LastModified", typeDatetime, "mtime", func(_ *Server, o *object) string { return epochMillis(o.modified) }},
	{"ContentType", typeString, "ctype", func(_ *Server, o *object) string { return o.headers.text("Content-Type") }},
	{"ContentEncoding", typeString, "encoding", func(_ *Server, o *object) string { return o.headers.text("Content-Encoding") }},
	{"Expiration", typeDatetime, "expiration", func(*Server, *object) string { return "" }},
	{"Expires", typeDatetime, "Expires", func(_ *Server, o *object) string {
		t, err := http.ParseTime(o.headers.text("Expires"))
		if err != nil {
			return ""
		}
		return epochMillis(t.UnixMilli())
	}},
	{"Retention", typeInteger, "retention", func(*Server, *object) string { return "" }},
	{"Etag", typeString, "etag", func(_ *Server, o *object) string { return o.etag() }},
	{"Namespace", typeString, "namespace", func(s *Server, _ *object) string { return s.namespace() }},
	{"ReplicationStatus", typeString, "replicationstatus", func(*Server, *object) string { return replicationStatus }},
	{"ObjName", typeString, "objname", func(_ *Server, o *object) string { return o.key }},
}

// replicationStatus is the ReplicationStatus of every object.
const replicationStatus = "COMPLETED"

func epochMillis(ms int64) string { return strconv.FormatInt(ms, 10) }

// optional returns the system attributes that a query can ask for.
func (g *Traits) optional() []*sysAttr {
	attrs := make([]*sysAttr, len(g.Optional))
	for i, name := range g.Optional {
		attrs[i] = findSysAttr(name)
	}
	return attrs
}

// findSysAttr finds a system attribute by its name in any case.
func findSysAttr(name string) *sysAttr {
	for i := range sysAttrs {
		if strings.EqualFold(sysAttrs[i].name, name) {
			return &sysAttrs[i]
		}
	}
	return nil
}

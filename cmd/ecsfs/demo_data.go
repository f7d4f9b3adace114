package main

import (
	"cmp"
	"slices"
	"time"
)

// demoObject is one object of the demo data: everything that a PUT would carry.
type demoObject struct {
	Key         string
	Body        []byte
	ContentType string
	Modified    time.Time
	// Metadata is user metadata by bare name ("status"), without x-amz-meta-.
	Metadata map[string]string
}

// demoBucket is one bucket of the demo data.
type demoBucket struct {
	Name string
	// SearchKeys is the index, in the form of the x-emc-metadata-search header:
	// "Size", "x-amz-meta-total;decimal".
	SearchKeys []string // none: the bucket has no metadata search
	// Versioned keeps what is overwritten.
	Versioned bool
	// Objects are ordered by key. Only with Versioned have several the same: they are its versions, the
	// oldest first.
	Objects []demoObject
}

// demoData returns the demo data as it looks at now: about 2,000 objects in four
// buckets, a few MB. It is a pure function of now: the same bytes each time.
// Times count back from now, so that "the last week" always has objects in it;
// none lies in the future.
func demoData(now time.Time) []demoBucket {
	now = now.UTC().Truncate(time.Second)
	acme := slices.Concat(demoLogs(now), demoInvoices(now), demoExports(now), demoPhotos(now), demoNotes(now), demoOddNames(now))
	buckets := []demoBucket{
		{
			Name: "acme",
			SearchKeys: []string{
				"Size", "LastModified", "CreateTime", "ObjectName", "Owner",
				"x-amz-meta-kind;string", "x-amz-meta-host;string", "x-amz-meta-level;string",
				"x-amz-meta-customer;string", "x-amz-meta-status;string", "x-amz-meta-color;string",
				"x-amz-meta-lines;integer", "x-amz-meta-errors;integer", "x-amz-meta-items;integer", "x-amz-meta-width;integer",
				"x-amz-meta-total;decimal", "x-amz-meta-p99;decimal",
				"x-amz-meta-due;datetime", "x-amz-meta-taken;datetime",
			},
			Objects: acme,
		},
		{Name: "backups", Objects: demoBackups(now)},
		{
			Name:       "legal",
			SearchKeys: []string{"Size", "LastModified", "ObjectName", "x-amz-meta-party;string", "x-amz-meta-status;string", "x-amz-meta-pages;integer"},
			Versioned:  true,
			Objects:    demoContracts(now),
		},
		{
			Name: "sensors",
			SearchKeys: []string{
				"Size", "LastModified", "ObjectName",
				"x-amz-meta-site;string", "x-amz-meta-alarm;string",
				"x-amz-meta-samples;integer",
				"x-amz-meta-maxtemp;decimal", "x-amz-meta-mintemp;decimal",
				"x-amz-meta-day;datetime",
			},
			Objects: demoReadings(now),
		},
	}
	for _, b := range buckets {
		slices.SortStableFunc(b.Objects, func(x, y demoObject) int { return cmp.Compare(x.Key, y.Key) })
	}
	return buckets
}

// metaTime prints t as a metadata value of datatype datetime.
func metaTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// startOfDay returns midnight, UTC, of the day that lies n days before now.
func startOfDay(now time.Time, n int) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -n)
}

// notAfter returns the earlier of t and limit.
func notAfter(t, limit time.Time) time.Time {
	if t.After(limit) {
		return limit
	}
	return t
}

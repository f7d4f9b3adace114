package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const (
	demoLogDays     = 120 // days of log files
	demoInvoices18  = 360 // invoices over 18 months
	demoExportMonth = 24  // months of order exports
	demoNoteCount   = 220
)

// demoRandom returns the generator of the n-th object of a kind: what one object
// takes from it, which can depend on now, changes no other.
func demoRandom(kind uint64, n int) *rand.Rand { return rand.New(rand.NewPCG(kind, uint64(n))) }

// demoLogs are log files, one a host and day; a few days have an incident.
func demoLogs(now time.Time) []demoObject {
	requests := []string{"GET /", "GET /cart", "POST /checkout", "GET /search?q=lamp", "GET /img/logo.png", "POST /login"}
	hosts := []string{"web-1", "web-2", "api-1", "db-1"}
	var out []demoObject
	for ago := range demoLogDays {
		day := startOfDay(now, ago)
		for h, host := range hosts {
			r := demoRandom(1, ago*len(hosts)+h)
			// Days 2 and 5 are within the last week, so that searching it finds something.
			incident := host == "web-2" && (ago == 2 || ago == 5) || r.IntN(40) == 0
			count := 12 + r.IntN(24)
			if incident {
				count += 150 + r.IntN(250)
			}
			var text strings.Builder
			lines, errors, worst, p99 := 0, 0, "INFO", 0.0
			for i := range count {
				at := day.Add(time.Duration(i) * 24 * time.Hour / time.Duration(count)).Add(time.Duration(h) * time.Second)
				if at.After(now) {
					break
				}
				ms := 3 + r.ExpFloat64()*40
				line := fmt.Sprintf("INFO  %s 200 in %.1f ms", requests[r.IntN(len(requests))], ms)
				switch {
				case incident && i > count/3 && r.IntN(3) == 0:
					line, worst, errors = fmt.Sprintf("ERROR payment gateway timeout after 30000 ms, order %d", 40000+r.IntN(9999)), "ERROR", errors+1
				case r.IntN(60) == 0:
					line = "WARN  disk 91% full on /var"
					if worst == "INFO" {
						worst = "WARN"
					}
				}
				p99 = max(p99, ms)
				lines++
				fmt.Fprintf(&text, "%s %s %s\n", at.Format(time.RFC3339), host, line)
			}
			out = append(out, demoObject{
				Key:         fmt.Sprintf("logs/%s/%s.log", host, day.Format(time.DateOnly)),
				Body:        []byte(text.String()),
				ContentType: "text/plain",
				Modified:    notAfter(day.Add(24*time.Hour-time.Duration(1+r.IntN(50))*time.Second), now),
				Metadata: map[string]string{
					"kind": "log", "host": host, "level": worst,
					"lines": strconv.Itoa(lines), "errors": strconv.Itoa(errors),
					"p99": strconv.FormatFloat(p99, 'f', 1, 64),
				},
			})
		}
	}
	return out
}

// demoInvoices are invoices as text; every state of payment occurs.
func demoInvoices(now time.Time) []demoObject {
	customers := []struct{ name, file string }{ // metadata is ASCII, as HTTP headers are; names of files are not
		{"Globex", "Globex"}, {"Initech", "Initech"}, {"Hooli", "Hooli"}, {"O'Neill & Sons", "O'Neill & Sons"},
		{"Mueller GmbH", "Müller GmbH"}, {"Cafe Central", "Café Central"}, {"Sakura KK", "さくら株式会社"}, {"Wayne Enterprises", "Wayne Enterprises"},
	}
	goods := []string{"Desk lamp", "Office chair", "Monitor arm", "Cable tray", "Standing desk", "Whiteboard", "Paper, 500 sheets", "Toner, black"}
	var out []demoObject
	for i := range demoInvoices18 {
		r := demoRandom(2, i)
		issued := now.Add(-time.Duration(i*36+2+r.IntN(30)) * time.Hour)
		due := issued.AddDate(0, 0, 30).Truncate(24 * time.Hour)
		c := customers[r.IntN(len(customers))]
		number := fmt.Sprintf("INV-%d-%04d", issued.Year(), demoInvoices18-i)

		var rows strings.Builder
		cents, items := 0, 1+r.IntN(7)
		for range items {
			n, price := 1+r.IntN(9), 490+r.IntN(29000)
			cents += n * price
			fmt.Fprintf(&rows, "%4d x %-22s %10.2f EUR\n", n, goods[r.IntN(len(goods))], float64(n*price)/100)
		}
		status := "paid"
		switch {
		case due.After(now) && r.IntN(3) > 0:
			status = "open"
		case !due.After(now) && r.IntN(8) == 0:
			status = "overdue"
		}
		total := fmt.Sprintf("%.2f", float64(cents)/100)
		text := fmt.Sprintf("INVOICE %s\nCustomer: %s\nIssued:   %s\nDue:      %s\n\n%s\n%-29s %10s EUR\nStatus: %s\n",
			number, c.file, issued.Format(time.DateOnly), due.Format(time.DateOnly), rows.String(), "Total", total, status)
		out = append(out, demoObject{
			Key:         fmt.Sprintf("invoices/%d/%s/%s.txt", issued.Year(), c.file, number),
			Body:        []byte(text),
			ContentType: "text/plain; charset=utf-8",
			Modified:    issued,
			Metadata: map[string]string{
				"kind": "invoice", "customer": c.name, "status": status, "currency": "EUR",
				"items": strconv.Itoa(items), "total": total, "due": metaTime(due),
			},
		})
	}
	return out
}

// demoExports are the largest objects: the orders of a month as CSV.
func demoExports(now time.Time) []demoObject {
	var out []demoObject
	for ago := range demoExportMonth {
		r := demoRandom(3, ago)
		month := time.Date(now.Year(), now.Month()-time.Month(ago+1), 1, 0, 0, 0, 0, time.UTC)
		var text strings.Builder
		text.WriteString("order,customer,country,total\n")
		lines := 1500 + r.IntN(3500)
		for n := range lines - 1 {
			fmt.Fprintf(&text, "%d,%d,%s,%d.%02d\n", 100000-ago*4000+n, 1000+r.IntN(500), [...]string{"DE", "FR", "JP", "US"}[r.IntN(4)], r.IntN(900), r.IntN(100))
		}
		out = append(out, demoObject{
			Key:         month.Format("exports/2006/orders-2006-01.csv"),
			Body:        []byte(text.String()),
			ContentType: "text/csv",
			Modified:    notAfter(month.AddDate(0, 1, 0).Add(time.Duration(r.IntN(3600))*time.Second), now),
			Metadata:    map[string]string{"kind": "export", "lines": strconv.Itoa(lines)},
		})
	}
	return out
}

// demoNotes are short notes in folders whose names have blanks and unicode.
func demoNotes(now time.Time) []demoObject {
	folders := []string{"notes/Meetings", "notes/Team Zürich", "notes/東京 office", "notes/ideas & plans", "notes/Ελλάδα"}
	topics := []string{"budget", "roadmap", "hiring", "incident review", "new office", "customer visit", "release plan"}
	var out []demoObject
	for i := range demoNoteCount {
		r := demoRandom(4, i)
		topic := topics[r.IntN(len(topics))]
		written := now.Add(-time.Duration(i*41+1+r.IntN(40)) * time.Hour)
		text := fmt.Sprintf("# %s\n\n%s\n\n- [ ] ask %s about the %s\n- [x] book a room\n", strings.ToUpper(topic[:1])+topic[1:],
			written.Format("Monday, 2 January 2006"), [...]string{"Ana", "Björn", "Chiyo", "Dmitri"}[r.IntN(4)], topics[r.IntN(len(topics))])
		out = append(out, demoObject{
			Key:         fmt.Sprintf("%s/%s %03d.md", folders[r.IntN(len(folders))], topic, demoNoteCount-i),
			Body:        []byte(text),
			ContentType: "text/markdown; charset=utf-8",
			Modified:    written,
			Metadata:    map[string]string{"kind": "note", "lines": strconv.Itoa(strings.Count(text, "\n"))},
		})
	}
	return out
}

// demoOddNames are names that break careless programs; a mount shows each of
// them under exactly one name.
func demoOddNames(now time.Time) []demoObject {
	names := []string{
		"-rf", "--help", "100%.txt", "50%25.txt", "size,gt,100", "a==b.txt", "@searchkeys", "#hash.txt", ".hidden",
		"line\nbreak.txt", " leading blank.txt", "trailing blank ", `back\slash.txt`, `both "quotes" and 'quotes'.txt`,
		"$HOME `date`; echo.txt", "*.txt", "emoji 🚀.txt", "e\u0301 and é.txt", "report", "report/page 1.txt",
		strings.Repeat("a very long name ", 18) + ".txt",
	}
	var out []demoObject
	for i, name := range names {
		out = append(out, demoObject{
			Key:         "odd names/" + name,
			Body:        fmt.Appendf(nil, "The key of this object is %q.\n", "odd names/"+name),
			ContentType: "text/plain; charset=utf-8",
			Modified:    now.Add(-time.Duration(i+1) * time.Hour),
			Metadata:    map[string]string{"kind": "odd", "lines": "1"},
		})
	}
	return out
}

// demoReadings are sensor readings as CSV in hive-style folders
// (site=berlin/year=2026/month=11/).
func demoReadings(now time.Time) []demoObject {
	sites := []struct {
		name string
		mean float64
	}{{"berlin", 11}, {"lagos", 28}, {"lima", 20}, {"oslo", 6}, {"osaka", 17}}
	var out []demoObject
	for ago := range 150 {
		day := startOfDay(now, ago)
		for i, site := range sites {
			r := demoRandom(5, ago*len(sites)+i)
			var text strings.Builder
			text.WriteString("time,celsius,humidity\n")
			lowest, highest, samples := 100.0, -100.0, 0
			offset := r.NormFloat64() * 4
			for hour := range 24 {
				at := day.Add(time.Duration(hour) * time.Hour)
				if at.After(now) {
					break
				}
				celsius := site.mean + offset + 5*float64(min(hour, 24-hour)-6)/6 + r.NormFloat64()
				fmt.Fprintf(&text, "%s,%.1f,%d\n", metaTime(at), celsius, 35+r.IntN(60))
				lowest, highest, samples = min(lowest, celsius), max(highest, celsius), samples+1
			}
			alarm := "no"
			if highest > site.mean+10 {
				alarm = "yes"
			}
			out = append(out, demoObject{
				Key:         fmt.Sprintf("readings/site=%s/year=%d/month=%02d/%s.csv", site.name, day.Year(), day.Month(), day.Format(time.DateOnly)),
				Body:        []byte(text.String()),
				ContentType: "text/csv",
				Modified:    notAfter(day.Add(24*time.Hour-time.Minute), now),
				Metadata: map[string]string{
					"site": site.name, "alarm": alarm, "samples": strconv.Itoa(samples), "day": metaTime(day),
					"mintemp": strconv.FormatFloat(lowest, 'f', 1, 64), "maxtemp": strconv.FormatFloat(highest, 'f', 1, 64),
				},
			})
		}
	}
	return out
}

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is horizontal bars in groups, on a logarithmic scale.
type chart struct {
	Title  string
	Axis   func(float64) string // prints a value on the axis
	Groups []chartGroup
}

type chartGroup struct {
	Title string
	Bars  []chartBar
}

type chartBar struct {
	Client string // whose colour it has
	Label  string
	Value  float64 // above 0
	Text   string
	Open   bool // it would be longer: time was over
}

// colours of the clients: ecsfs stands out, the limits are grey.
var colours = map[string]string{
	"ecsfs": "#c2410c",
	"raw":   "#57606a", "raw-64": "#6e7781", "raw-1": "#8c959f", "raw-ahead": "#8c959f",
	"bare": "#a3adb8", "bare-disk": "#a3adb8", "bare-pass": "#bcc4cc", "disk": "#d0d7de",
	"rclone": "#9ec5fe", "rclone-tuned": "#2f6fd0", "s3fs": "#a6d8a8", "s3fs-tuned": "#2e8b3d",
	"goofys": "#b083d6", "geesefs": "#7a4fb5", "mount-s3": "#d4a72c",
}

// Measures of a chart, in pixels.
const (
	chartWidth  = 860
	labelWidth  = 110
	valueWidth  = 110
	barHeight   = 15
	groupGap    = 34
	headHeight  = 62
	chartMargin = 20
)

// svg draws the chart. Text and bars are dark enough for the light card that they
// stand on, whatever is around it.
func (c chart) svg() string {
	low, high := math.Inf(1), math.Inf(-1)
	height := headHeight + chartMargin
	for _, g := range c.Groups {
		height += groupGap + len(g.Bars)*barHeight
		for _, b := range g.Bars {
			low, high = min(low, b.Value), max(high, b.Value)
		}
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if to <= from {
		to = from + 1
	}
	width := float64(chartWidth - 2*chartMargin - labelWidth - valueWidth)
	left := float64(chartMargin + labelWidth)
	x := func(v float64) float64 { return left + width*(math.Log10(v)-from)/(to-from) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" font-family="system-ui, sans-serif" font-size="12" fill="#1f2328">`+"\n", chartWidth, height, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#f6f8fa"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<text x="%d" y="28" font-size="16" font-weight="600">%s</text>`+"\n", chartMargin, html.EscapeString(c.Title))
	for e := from; e <= to; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%[1]f" y1="%d" y2="%d" stroke="#d8dee4"/><text x="%.1f" y="%d" text-anchor="middle" fill="#57606a">%s</text>`+"\n",
			x(v), headHeight, height-chartMargin, x(v), headHeight-8, c.Axis(v))
	}
	y := headHeight
	for _, g := range c.Groups {
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-weight="600">%s</text>`+"\n", chartMargin, y+22, html.EscapeString(g.Title))
		y += groupGap - 6
		for _, bar := range g.Bars {
			style := ""
			if bar.Open {
				style = ` stroke="#1f2328" stroke-dasharray="3 2"`
			}
			weight := ""
			if bar.Client == "ecsfs" {
				weight = ` font-weight="600"`
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end"%s>%s</text>`, chartMargin+labelWidth-6, y+11, weight, bar.Label)
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"%s/>`, left, y+1, max(x(bar.Value)-left, 1), barHeight-3, colours[bar.Client], style)
			fmt.Fprintf(&b, `<text x="%.1f" y="%d"%s>%s</text>`+"\n", x(bar.Value)+5, y+11, weight, html.EscapeString(bar.Text))
			y += barHeight
		}
		y += 6
	}
	b.WriteString("</svg>\n")
	return b.String()
}

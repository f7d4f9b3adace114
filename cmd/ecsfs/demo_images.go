package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

const demoPhotoCount = 160

// demoPhotos are small pictures of imaginary hills; they open in any viewer.
func demoPhotos(now time.Time) []demoObject {
	albums := []string{"Site visit Zürich", "Trade fair 東京", "Warehouse", "Team day 2025", "New façade"}
	cameras := []string{"X100V", "EOS R6", "Pixel 9"}
	skies := []struct {
		name string
		sky  color.RGBA
	}{
		{"blue", color.RGBA{70, 130, 210, 255}}, {"red", color.RGBA{205, 70, 60, 255}}, {"orange", color.RGBA{235, 150, 60, 255}},
		{"grey", color.RGBA{140, 145, 150, 255}}, {"green", color.RGBA{90, 160, 110, 255}},
	}
	var out []demoObject
	for i := range demoPhotoCount {
		r := demoRandom(6, i)
		taken := now.Add(-time.Duration(i*97+3+r.IntN(60)) * time.Hour)
		sky := skies[r.IntN(len(skies))]
		width, height := 96+32*r.IntN(3), 72+24*r.IntN(2)
		out = append(out, demoObject{
			Key:         fmt.Sprintf("photos/%s/IMG_%04d.png", albums[r.IntN(len(albums))], 4000-i),
			Body:        drawHills(width, height, sky.sky, r),
			ContentType: "image/png",
			Modified:    notAfter(taken.Add(time.Duration(r.IntN(120))*time.Minute), now),
			Metadata: map[string]string{
				"kind": "photo", "color": sky.name, "camera": cameras[r.IntN(len(cameras))],
				"width": strconv.Itoa(width), "height": strconv.Itoa(height),
				"latitude": strconv.FormatFloat(-60+r.Float64()*120, 'f', 4, 64), "taken": metaTime(taken),
			},
		})
	}
	return out
}

// drawHills returns a PNG of a sky, a sun and three ranges of hills.
func drawHills(width, height int, sky color.RGBA, r *rand.Rand) []byte {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	sunX, sunY, sunSize := r.IntN(width), r.IntN(height/2), 5+r.IntN(8)
	type ridge struct{ base, swing, length, shift float64 }
	var ridges [3]ridge
	for i := range ridges {
		ridges[i] = ridge{float64(height) * (0.45 + 0.18*float64(i)), 3 + r.Float64()*9, 9 + r.Float64()*22, r.Float64() * 6}
	}
	for y := range height {
		for x := range width {
			c := shade(sky, 1+0.6*float64(y)/float64(height))
			if dx, dy := x-sunX, y-sunY; dx*dx+dy*dy < sunSize*sunSize {
				c = color.RGBA{255, 245, 200, 255}
			}
			for i, h := range ridges {
				if float64(y) > h.base+h.swing*math.Sin(float64(x)/h.length+h.shift) {
					c = shade(color.RGBA{60, 110, 70, 255}, 1-0.25*float64(i))
				}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err) // a bytes.Buffer never fails, and the size is valid
	}
	return out.Bytes()
}

// shade multiplies the brightness of c by factor.
func shade(c color.RGBA, factor float64) color.RGBA {
	scale := func(v uint8) uint8 { return uint8(min(255, float64(v)*factor)) }
	return color.RGBA{scale(c.R), scale(c.G), scale(c.B), 255}
}

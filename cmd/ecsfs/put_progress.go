package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how far an upload is, and prints lines above
// that. Elsewhere it prints the lines alone. It is safe for concurrent use.
type progress struct {
	mu    sync.Mutex // guards all below, and writing to w
	w     io.Writer
	bar   *progressbar.ProgressBar // nil: none is shown
	total int64                    // bytes found so far
	files int                      // files found so far
	done  int                      // files that are done with
	ended chan struct{}            // closed by end
}

// tick is how often the bar is drawn while nothing happens: the time goes on.
const tick = 200 * time.Millisecond

// newProgress returns a progress that writes to w, with a bar when w is a
// terminal and quiet is false.
func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w, ended: make(chan struct{})}
	if !quiet && fitsBar(w) {
		p.bar = progressbar.NewOptions64(1,
			progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionShowCount(),
			progressbar.OptionUseIECUnits(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
		go p.keepDrawing()
	}
	return p
}

// minBarWidth is how many columns the numbers beside a bar take. Of a line that
// is longer than the terminal is wide, all but the last row would stay.
const minBarWidth = 72

// fitsBar reports whether w is a terminal that is wide enough for a bar. One
// that does not tell its width is.
func fitsBar(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return err != nil || width == 0 || width >= minBarWidth
}

// keepDrawing draws the bar until end is called.
func (p *progress) keepDrawing() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.add(0)
		case <-p.ended:
			return
		}
	}
}

// shown reports whether there is a bar.
func (p *progress) shown() bool { return p.bar != nil }

// found adds a file to what there is to do. The bar's length is what was found
// so far and a byte more, since a bar that was full once stays so.
func (p *progress) found(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files++
	p.total += size
	if p.bar != nil {
		p.bar.ChangeMax64(p.total + 1)
	}
}

// add moves on by so many bytes.
func (p *progress) add(bytes int64) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// It fails for a bar that is full, of a file that has grown: nothing to show.
	_ = p.bar.Add64(bytes)
}

// finishFile counts a file that is done with, whatever became of it; bytes are
// those of it that were not added yet.
func (p *progress) finishFile(bytes int64) {
	if p.bar == nil {
		return
	}
	p.add(bytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.bar.Describe(fmt.Sprintf("%d/%d files", p.done, p.files))
}

// println prints a line.
func (p *progress) println(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // it fails when the terminal is gone, as the line does
	}
	fmt.Fprintln(p.w, line)
}

// end takes the bar away. It is called once, after all else.
func (p *progress) end() {
	close(p.ended)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish() // it fails when the terminal is gone
	}
}

package ecs

import "time"

// SetSplit sets when searches are split: into so many parts at a time, one more for each so many pages, and only where no answer
// begins sooner than wait.
func (c *Client) SetSplit(ways, pages int, wait time.Duration) {
	c.split = splitting{ways, pages, wait}
}

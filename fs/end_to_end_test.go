package fs_test

import "testing"

func TestListAndRead(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("hello.txt", "hello\n", "color", "red")
	w.put("logs/2024/a.log", "first\n", "color", "blue")
	w.want(`ls $M`, "b\n")
	w.want(`ls $B`, "hello.txt\nlogs\n")
	w.want(`cat $B/hello.txt`, "hello\n")
	w.want(`ls $B/size,gt,1`, "hello.txt\nlogs%2F2024%2Fa.log\n")
	w.want(`ls $B/color,eq,blue`, "logs%2F2024%2Fa.log\n")
	w.want(`cat $B/logs/2024/color,eq,blue/a.log`, "first\n")
	w.want(`cat $B/@explain | head -1 | wc -l`, "1\n")
}

package main

import (
	"net/http"
	"path"
	"strings"
)

// contentTypes has the content types of common files by the ending of their
// name, in lower case. It is a table of its own, not the machine's, so that the
// same file has the same type wherever it is uploaded from.
var contentTypes = map[string]string{
	// text
	".txt": "text/plain; charset=utf-8", ".log": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".tsv": "text/tab-separated-values; charset=utf-8",
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".ics": "text/calendar; charset=utf-8",
	".go": "text/plain; charset=utf-8", ".c": "text/plain; charset=utf-8", ".h": "text/plain; charset=utf-8",
	".py": "text/x-python; charset=utf-8", ".sh": "application/x-sh", ".ini": "text/plain; charset=utf-8",
	// data
	".json": "application/json", ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson", ".xml": "application/xml",
	".yaml": "application/yaml", ".yml": "application/yaml", ".toml": "application/toml", ".sql": "application/sql",
	".parquet": "application/vnd.apache.parquet", ".avro": "application/avro", ".wasm": "application/wasm",
	".geojson": "application/geo+json", ".sqlite": "application/vnd.sqlite3", ".dcm": "application/dicom",
	// documents
	".pdf": "application/pdf", ".ps": "application/postscript", ".rtf": "application/rtf", ".epub": "application/epub+zip",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation", ".eml": "message/rfc822",
	// pictures
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".heic": "image/heic", ".svg": "image/svg+xml", ".bmp": "image/bmp", ".ico": "image/x-icon",
	".tif": "image/tiff", ".tiff": "image/tiff", ".jp2": "image/jp2", ".psd": "image/vnd.adobe.photoshop",
	// sound and films
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
	".wav": "audio/wav", ".flac": "audio/flac", ".aac": "audio/aac",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska",
	".avi": "video/x-msvideo", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".ogv": "video/ogg",
	// archives and programs
	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".bz2": "application/x-bzip2",
	".xz": "application/x-xz", ".zst": "application/zstd", ".tar": "application/x-tar", ".7z": "application/x-7z-compressed",
	".rar": "application/vnd.rar", ".jar": "application/java-archive", ".iso": "application/x-iso9660-image",
	".deb": "application/vnd.debian.binary-package", ".rpm": "application/x-rpm", ".bin": "application/octet-stream",
	// fonts
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
}

// sniffLen is how much of a file tells its content type.
const sniffLen = 512

// contentType returns the content type of a file: by the ending of its name,
// else by head, its first sniffLen bytes.
func contentType(name string, head []byte) string {
	if t := contentTypes[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	if len(head) == 0 {
		return "application/octet-stream"
	}
	return http.DetectContentType(head[:min(len(head), sniffLen)])
}

// Command ecsfs shows the results of metadata searches on an ECS or ObjectScale object
// store as files.
//
//	ecsfs mount [options] DIR [-- COMMAND...]
//	ecsfs umount DIR
//	ecsfs demo [options] [DIR] [-- COMMAND...]
//	ecsfs emulator [options]
//	ecsfs query BUCKET[/FOLDER] COMPONENT...
//	ecsfs searchkeys [--system | BUCKET]
//	ecsfs explain BUCKET/PATH
//	ecsfs stat PATH...
//	ecsfs mb BUCKET [--index KEY[:DATATYPE],...]
//	ecsfs put FILE... s3://BUCKET[/PREFIX] [--meta NAME=VALUE]...
//	ecsfs presign s3://BUCKET/KEY
//	ecsfs presign BUCKET[/FOLDER] COMPONENT...
//	ecsfs nodes
//	ecsfs completion bash|zsh|fish
//	ecsfs version
//
// # Options
//
// Options may stand before or after the arguments, up to "--". Each can also be
// set by a variable: --max-pages by ECSFS_MAX_PAGES, and so on; a few are read
// from the variables of other S3 tools as well. An option on the command line
// wins over ECSFS_ variables, and those over the others. A variable that is set
// but empty counts as not set. Secrets are never taken from an argument, since
// every user of a machine can read those.
//
// # Output
//
// Results go to standard output, everything else to standard error. An error
// is one line: what was attempted, on what, why it failed, what to do.
//
// # Paths without a mount
//
// query and explain read a path, and the components behind it, as a mount does: queries,
// folders, and the directives. "@sort,KEY", "@limit,N", "@versions" and "@tree" say which results, in what order
// and under which names (--under); "@by" and "@by/KEY" print menus; the virtual files
// "@manifest.csv", "@manifest.jsonl", "@meta,NAME", "@searchkeys", "@explain", "@explain,REST" and "@help"
// print what they hold in a mount. "@refresh", "@errors" and "@stats" are of a
// mount alone. A component that is an argument may have a "/" in it, in a path it is "%2F".
//
// explain ends with the status that query would end with where what it explains cannot be answered.
//
// # Uploads
//
// Only mb and put change a store; a mount cannot. An object that put uploads is
// whole, and what its file was when it was opened, or is not there: a file that
// changes meanwhile is an error, and an interrupted upload in parts is removed.
// What is there with the same size and ETag, and with the metadata and content
// type that were asked for, is not uploaded again. The parts of all files under
// way have at most 192 MiB, or those of one file.
//
// # Exit codes
//
// They are listed by "ecsfs help" and in [exitCode].
//
// # Files
//
// A mount keeps what was read in ecsfs below the user's cache directory ([os.UserCacheDir]), or in --cache-dir; package cache
// tells how. It does without where the default directory cannot be used, and where another mount of the same store uses
// it. demo keeps nothing, and no other command reads from there or writes to it.
//
// # Processes
//
// The process that serves a mount never touches its own mountpoint once it is
// mounted, since it would wait for itself: whether the mount is up is read from
// /proc/self/mountinfo, and commands run in a child that begins elsewhere.
package main

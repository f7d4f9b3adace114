// Command ecsfs shows the results of metadata searches on an ECS or ObjectScale object
// store as files.
//
//	ecsfs mount [options] DIR [-- COMMAND...]
//	ecsfs umount DIR
//	ecsfs demo [options] [DIR] [-- COMMAND...]
//	ecsfs emulator [options]
//	ecsfs query BUCKET[/FOLDER] COMPONENT...
//	ecsfs searchkeys [BUCKET]
//	ecsfs explain BUCKET/PATH
//	ecsfs stat PATH...
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
// # Exit codes
//
// They are listed by "ecsfs help" and in [exitCode].
//
// # Processes
//
// The process that serves a mount never touches its own mountpoint once it is
// mounted, since it would wait for itself: whether the mount is up is read from
// /proc/self/mountinfo, and commands run in a child that begins elsewhere.
package main

# Completion of ecsfs for fish. Load it by:  ecsfs completion fish | source
#
# A path in an ecsfs mount is completed by "ecsfs __complete", which lists no bucket, and so are the
# words of ecsfs itself; all else as it was.

# __ecsfs_ours sets the candidates when the word at the cursor is such a word; else it fails.
function __ecsfs_ours
    string match -q '* - fuse.ecsfs *' </proc/self/mountinfo; or string match -qr '\becsfs\b' -- (commandline -cp); or return
    set -g __ecsfs_found (ecsfs __complete --shell fish -- (commandline -cp | string collect) 2>/dev/null)
end

complete -c '*' -n __ecsfs_ours -f -k -a '(string join \n -- $__ecsfs_found)'

# Completion of ecsfs for zsh. Load it after compinit:  eval "$(ecsfs completion zsh)"
#
# A completer of its own goes before those that there are: a path in an ecsfs mount is completed by
# "ecsfs __complete", which lists no bucket, and so are the words of ecsfs itself; all else as it was.

# _ecsfs_path completes the word at the cursor when it is such a word; else it fails.
_ecsfs_path() {
    local mounts found one line="$QIPREFIX$PREFIX"
    local -a typed shown help
    local -i i width=0
    mounts="$(</proc/self/mountinfo)"
    [[ $compstate[context] == (command|redirect|value|array_value|condition) ]] || return 1
    [[ $mounts == *' - fuse.ecsfs '* || ${words[1]:t} == ecsfs ]] || return 1
    # A word where a command stands is alone; a value or a target of a redirection is not.
    [[ $compstate[context] == command && CURRENT -eq 1 ]] || line="${${(j: :)words[1,CURRENT-1]}:-:} $line"
    found="$(ecsfs __complete --shell zsh -- "$line" 2>/dev/null)" || return 1
    compset -S '*' # what stands behind the cursor stays
    for one in ${(f)found}; do
        typed+=("$PREFIX${one%%$'\t'*}") one=${one#*$'\t'}
        shown+=("${one%%$'\t'*}") help+=("${one#*$'\t'}")
        (( $#shown[-1] <= width )) || width=$#shown[-1]
    done
    if [[ -n ${(j::)help} ]]; then
        for i in {1..$#shown}; do shown[i]="${(r:width:)shown[i]}  $help[i]"; done
        compadd -Q -U -V ecsfs -S '' -l -d shown -a typed
    elif (( $#typed )); then
        compadd -Q -U -V ecsfs -S '' -d shown -a typed
    fi
    return 0 # with nothing too: what follows would list the bucket
}

# _ecsfs completes the arguments of ecsfs where another command stands before it, as sudo.
_ecsfs() { _ecsfs_path || _default }

# _ecsfs_load puts _ecsfs_path before the completers of all completion, and of those parts of it
# that have completers of their own.
_ecsfs_load() {
    emulate -L zsh
    local line
    local -a style
    zstyle -a ':completion:*' completer style || zstyle ':completion:*' completer _complete _ignored
    for line in ${(f)"$(zstyle -L '*' completer)"}; do
        style=("${(@Qz)line}") # zstyle PATTERN completer COMPLETER...
        [[ $style[2] == -e || $style[4] == _ecsfs_path ]] || zstyle "$style[2]" completer _ecsfs_path "${(@)style[4,-1]}"
    done
    compdef _ecsfs ecsfs
}

if (( $+functions[compdef] )); then
    _ecsfs_load
else
    print -u2 "ecsfs completion: zsh's completion is off: put 'autoload -Uz compinit && compinit' before it"
fi
unfunction _ecsfs_load

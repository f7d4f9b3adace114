# Completion of ecsfs for bash 4.4 and later. Load it last:  eval "$(ecsfs completion bash)"
#
# Every way in which bash completes a command's arguments is wrapped: a path in an ecsfs mount is
# completed by "ecsfs __complete", which lists no bucket, and so are the words of ecsfs itself; all
# else as it was.

# The function that completed each command before, by the command's name; "" when it was bash alone.
declare -gA _ecsfs_functions
# The actions of those that had no function, quoted.
declare -gA _ecsfs_actions

# _ecsfs_path sets COMPREPLY when the word at the cursor is such a word; else it fails. $1 is the
# command, $2 the word as readline has it.
_ecsfs_path() {
    local mounts found rest shown help
    mounts=$(</proc/self/mountinfo)
    [[ $mounts == *' - fuse.ecsfs '* || ${1##*/} == ecsfs ]] || return 1
    found=$(ecsfs __complete --shell bash -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null) || return 1
    COMPREPLY=()
    while IFS=$'\t' read -r rest shown help; do
        # 63 is "?": the candidates are only shown, and the last component tells them apart.
        [[ $COMP_TYPE == 63 ]] && COMPREPLY+=("$shown") || COMPREPLY+=("$2$rest")
    done < <([[ -z $found ]] || printf '%s\n' "$found")
    compopt +o default +o bashdefault +o dirnames +o plusdirs +o filenames -o nospace 2>/dev/null
    return 0
}

# _ecsfs_wrapped completes an argument of any command. Its parameters are those of bash.
_ecsfs_wrapped() {
    _ecsfs_path "$@" && return 0
    local before status name=$1
    [[ -v _ecsfs_functions[$name] ]] || name=${1##*/}
    [[ -n $name && -v _ecsfs_functions[$name] ]] || name=-D
    before=${_ecsfs_functions[$name]}
    [[ -n $before ]] || return 0 # then bash goes on by itself
    "$before" "$@"
    status=$?
    # 124: it has found how to complete this command, and bash is to begin again.
    ((status != 124)) || _ecsfs_wrap
    return $status
}

# _ecsfs_first completes a word where a command stands.
_ecsfs_first() {
    [[ $2 == */* ]] && _ecsfs_path "$@" && return 0
    [[ -n ${_ecsfs_functions[-I]} ]] && "${_ecsfs_functions[-I]}" "$@"
}

# _ecsfs_compgen completes as the actions that a command had, which bash itself carried out.
_ecsfs_compgen() {
    local -a actions
    eval "actions=(${_ecsfs_actions[$name]})" # name is _ecsfs_wrapped's
    [[ " ${actions[*]} " == *' -'[fd]' '* ]] && compopt -o filenames
    mapfile -t COMPREPLY < <(compgen "${actions[@]}" -- "${2//\\/}" 2>/dev/null)
}

# _ecsfs_wrap has every completion that there is go through _ecsfs_wrapped, but those without
# files among their candidates.
_ecsfs_wrap() {
    local line before name
    local -a words options actions
    while read -r line; do
        eval "words=(${line#complete})" # bash has quoted it
        name=${words[-1]} before='' options=() actions=()
        unset 'words[-1]'
        set -- "${words[@]}"
        while (($#)); do
            case $1 in
                -F) before=$2 && shift ;;
                -o) options+=("$1" "$2") && shift ;;
                *) actions+=("$1") ;;
            esac
            shift
        done
        # No name: the empty word. No array has that for a subscript.
        [[ -z $name || $before == _ecsfs_* || " ${actions[*]} " == *' -C '* ]] && continue
        if [[ -n $before ]]; then
            options+=("${actions[@]}")
        elif [[ " ${actions[*]} " == *' -'[fdG]' '* || ${#options[@]} -gt 0 ]]; then
            before=_ecsfs_compgen
            _ecsfs_actions[$name]=${actions[*]@Q}
        else
            continue
        fi
        _ecsfs_functions[$name]=$before
        case $name in
            -I) complete "${options[@]}" -F _ecsfs_first -I ;;
            -D | -E) complete "${options[@]}" -F _ecsfs_wrapped $name ;;
            *) complete "${options[@]}" -F _ecsfs_wrapped -- "$name" ;;
        esac
    done < <(complete -p)
}

_ecsfs_wrap
# By its name as well, for what completes the command after sudo.
_ecsfs_functions[ecsfs]=
complete -o bashdefault -o default -F _ecsfs_wrapped ecsfs
if [[ ! -v _ecsfs_functions[-D] ]]; then
    _ecsfs_functions[-D]=
    complete -o bashdefault -o default -F _ecsfs_wrapped -D
fi
if ((BASH_VERSINFO[0] >= 5)) && [[ ! -v _ecsfs_functions[-I] ]]; then
    _ecsfs_functions[-I]=
    complete -o bashdefault -o default -F _ecsfs_first -I
fi

"""Process groups in a sandbox: how each command is started, recorded and ended. Shell, run by bash.

All of it lives in `$HOME/.cofounder`: `owner` names the worker in charge ("job epoch"), `groups/NAME` holds
the process group and start time of each command, `groups/NAME.end` asks a command that is about to start to
stay away. A record is trusted only while the group's leader, if there is one, started when the record says:
process ids are used again, but never while a group of that number lives.
"""

TAKEN = 75  # the exit of a script that finds a newer worker in charge

# Begins a script whose first argument is the owner, without whom nothing is done.
OWNED = f'[ "$(cat "$HOME/.cofounder/owner")" = "$1" ] || exit {TAKEN}; shift\n'
# Begins a script during which nobody takes the sandbox over.
LOCKED = 'exec 9> "$HOME/.cofounder/lock" && flock 9 || exit 1\n'

# Arguments: the record's name, the owner. The command comes in the environment, where it needs no quoting.
RUN = r"""
state=$HOME/.cofounder
read -r stat < "/proc/$$/stat"
fields=(${stat##*) })
echo "$$ ${fields[19]}" > "$state/groups/$1"
# Recorded first, asked second: whoever ends this group writes the marker (or the owner) before it reads.
if [ -e "$state/groups/$1.end" ] || [ "$(cat "$state/owner")" != "$2" ]; then
  rm -f "$state/groups/$1" "$state/groups/$1.end"
  exit 143
fi
command=$COFOUNDER_COMMAND
unset COFOUNDER_COMMAND
PATH=$state/bin:$PATH
bash -c "$command" < /dev/null
exit $?
"""

_END = r"""
alive() { kill -0 -- "-$1" 2> /dev/null; }
end_groups() {
  local record group start stat fields groups=() left
  for record in "$@"; do
    read -r group start 2> /dev/null < "$record" || continue
    if stat=$(cat "/proc/$group/stat" 2> /dev/null); then
      fields=(${stat##*) })
      [ "${fields[19]}" = "$start" ] || continue
    fi
    kill -TERM -- "-$group" 2> /dev/null && groups+=("$group")
  done
  for _ in {1..20}; do
    left=()
    for group in "${groups[@]}"; do alive "$group" && left+=("$group"); done
    [ ${#left[@]} = 0 ] && break
    sleep 0.05
  done
  for group in "${left[@]}"; do kill -KILL -- "-$group" 2> /dev/null; done
  rm -f "$@"
}
cd "$HOME/.cofounder/groups" || exit 0
shopt -s nullglob extglob
"""

# Argument: the record's name.
END_ONE = _END + 'touch "$1.end"; [ -e "$1" ] && end_groups "$1" "$1.end"; exit 0'
# Argument: a prefix of names to end.
END_KIND = _END + 'end_groups "$1"*; exit 0'
# Argument: the prefix of names to keep besides the app's.
END_OLDER = _END + 'end_groups !("$1"*|app-*); exit 0'
# Argument: the owner.
END_ALL = OWNED + _END + "end_groups *; exit 0"
# Argument: the record's name. Fails when nothing of the group is left.
IS_ALIVE = _END + 'read -r group _ < "$1" && alive "$group"'

# A command for the agent: lists what runs, with its name, age in seconds and command, or ends some of it.
BACKGROUND = (
    "#!/bin/bash\n"
    + _END
    + r"""
read -r stat < /proc/$$/stat
fields=(${stat##*) })
own=${fields[2]}
uptime=$(cut -d . -f 1 /proc/uptime)
shown() { tr '\0' '\n' 2> /dev/null < "/proc/$1/environ" | grep -m 1 ^COFOUNDER_COMMAND= | cut -c 19-300; }
list() {
  local record group start command
  for record in *; do
    read -r group start 2> /dev/null < "$record" || continue
    [ "$group" != "$own" ] && alive "$group" || continue
    command=$(shown "$group")
    echo "$record  $((uptime - start / $(getconf CLK_TCK))) s  ${command:-(left by a command that has ended)}"
  done
}
case $1 in
  "") found=$(list); echo "${found:-Nothing runs in the background.}" ;;
  end)
    shift
    for name in "$@"; do
      case $name in */* | *.end) name="" ;; esac
      [ -f "$name" ] || { echo "There is nothing called $name." >&2; exit 1; }
      end_groups "$name" && echo "Ended $name."
    done ;;
  *) echo "background lists what runs; background end NAME ends it." >&2; exit 2 ;;
esac
"""
)

# Arguments: job, epoch, the agent's command. Takes the sandbox over, unless a later epoch of the job has it.
TAKE_OVER = rf"""
state=$HOME/.cofounder
mkdir -p "$state/bin" "$state/groups" "$state/logs" "$state/snapshots" "$HOME/app"
{LOCKED}
if read -r job epoch 2> /dev/null < "$state/owner" && [ "$job" = "$1" ] && [ "$epoch" -gt "$2" ]; then
  exit {TAKEN}
fi
# Nobody is in the middle of a snapshot any more: what is left of one could fill the disk.
rm -f -- "$state/snapshots"/*
echo "$1 $2" > "$state/owner" || exit 1
printf %s "$3" > "$state/bin/background" && chmod +x "$state/bin/background"
"""

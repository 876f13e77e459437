"""Process groups in a sandbox: starting, recording and ending commands. Scripts for bash.

The state is in `$HOME/.cofounder`: `owner` names the worker in charge ("job epoch"), `groups/NAME` holds the
process group and start time of each command, and `groups/NAME.end` tells a command that is about to start
not to. A record is valid only if the group's leader, if it still exists, started at the recorded time:
process ids are reused, but never while a group with that number exists.
"""

TAKEN = 75  # exit code of a script that finds a newer worker in charge

# The start of a script whose first argument is the owner: it stops if another owner is in charge.
OWNED = f'[ "$(cat "$HOME/.cofounder/owner")" = "$1" ] || exit {TAKEN}; shift\n'
# The start of a script during which no other worker may take over the sandbox.
LOCKED = 'exec 9> "$HOME/.cofounder/lock" && flock 9 || exit 1\n'

# Arguments: the record's name, the owner. The command is in the environment, where it needs no quoting.
RUN = r"""
state=$HOME/.cofounder
read -r stat < "/proc/$$/stat"
fields=(${stat##*) })
echo "$$ ${fields[19]}" > "$state/groups/$1"
# Record first, then check: a script that ends this group writes the marker (or the owner) before it reads.
if [ -e "$state/groups/$1.end" ] || [ "$(cat "$state/owner")" != "$2" ]; then
  rm -f "$state/groups/$1" "$state/groups/$1.end"
  exit 143
fi
mkdir -p "$HOME/app" && cd "$HOME/app" || exit 1  # the command before may have deleted it
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
# Argument: the prefix of the names to end.
END_KIND = _END + 'end_groups "$1"*; exit 0'
# Argument: the prefix of the names to keep, along with the app's.
END_OLDER = _END + 'end_groups !("$1"*|app-*); exit 0'
# Argument: the owner.
END_ALL = OWNED + _END + "end_groups *; exit 0"
# Argument: the record's name. Fails when no process of the group is left.
IS_ALIVE = _END + 'read -r group _ < "$1" && alive "$group"'

# A command for the agent: lists running commands with name, age in seconds and command line, or ends some.
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
  "") found=$(list); echo "${found:-Nothing is running in the background.}" ;;
  end)
    shift
    for name in "$@"; do
      case $name in */* | *.end) name="" ;; esac
      [ -f "$name" ] || { echo "There is nothing called $name." >&2; exit 1; }
      end_groups "$name" && echo "Ended $name."
    done ;;
  *) echo "background lists what is running; background end NAME ends it." >&2; exit 2 ;;
esac
"""
)

# Arguments: job, epoch, the agent's command. Takes over the sandbox, unless a later epoch of the job has it.
TAKE_OVER = rf"""
state=$HOME/.cofounder
mkdir -p "$state/bin" "$state/groups" "$state/logs" "$state/snapshots" "$HOME/app"
{LOCKED}
if read -r job epoch 2> /dev/null < "$state/owner" && [ "$job" = "$1" ] && [ "$epoch" -gt "$2" ]; then
  exit {TAKEN}
fi
# No snapshot is being made any more: remove what is left of one, it could fill the disk.
rm -rf -- "$state/snapshots"/*
echo "$1 $2" > "$state/owner" || exit 1
printf %s "$3" > "$state/bin/background" && chmod +x "$state/bin/background"
"""

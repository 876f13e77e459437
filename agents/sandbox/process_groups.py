"""Process groups in a sandbox: starting, recording and ending commands. Scripts for bash.

The state is in `$HOME/.cofounder`: `owner` names the worker in charge ("job epoch"), `groups/NAME` holds the
process group and start time of each command, and `groups/NAME.end` tells a command that is about to start
not to. `logs` has the output and the exit codes of background commands, and `names` the records of those that
the agent has given a name. A record is valid only if the group's leader, if it still exists, started at the
recorded time: process ids are reused, but never while a group with that number exists.
"""

from agents.sandbox.layout import ENTER

TAKEN = 75  # exit code of a script that finds a newer worker in charge

# The start of a script whose first argument is the owner: it stops if another owner is in charge.
OWNED = f'[ "$(cat "$HOME/.cofounder/owner")" = "$1" ] || exit {TAKEN}; shift\n'
# The start of a script during which no other worker may take over the sandbox.
LOCKED = 'exec 9> "$HOME/.cofounder/lock" && flock 9 || exit 1\n'

# Arguments: the record's name, the owner. The command is in the environment, where it needs no quoting.
RUN = (
    r"""
state=$HOME/.cofounder
read -r stat < "/proc/$$/stat"
fields=(${stat##*) })
echo "$$ ${fields[19]}" > "$state/groups/$1"
# Record first, then check: a script that ends this group writes the marker (or the owner) before it reads.
if [ -e "$state/groups/$1.end" ] || [ "$(cat "$state/owner")" != "$2" ]; then
  rm -f "$state/groups/$1" "$state/groups/$1.end"
  exit 143
fi
"""
    + ENTER
    + r"""
command=$COFOUNDER_COMMAND
unset COFOUNDER_COMMAND
PATH=$state/bin:$PATH
bash -c "$command" < /dev/null
code=$?
[ ! -e "$state/logs/$1.log" ] || echo "$code" > "$state/logs/$1.exit"
exit "$code"
"""
)

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
    [ ! -e "../logs/$record.log" ] || [ -e "../logs/$record.exit" ] || echo stopped > "../logs/$record.exit"
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

# How a background command is, by its record's name.
_STATE = r"""
state_of() {
  local group start code
  if read -r code 2> /dev/null < "../logs/$1.exit"; then
    [ "$code" = stopped ] && echo "was stopped" || echo "exited with $code"
  elif read -r group start 2> /dev/null < "$1" && alive "$group"; then
    echo "running for $(($(cut -d . -f 1 /proc/uptime) - start / $(getconf CLK_TCK))) s"
  elif [ -e "$1" ]; then echo "was stopped"
  else echo "running for 0 s"  # it is about to be recorded
  fi
}
listens() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
"""
RUNNING, LISTENING = 3, 4  # exit codes of `TAKE_NAME`
# Arguments: a name, the record's name, the port it will listen on or 0.
TAKE_NAME = (
    _END
    + _STATE
    + rf"""
if [ -e "../names/$1" ]; then
  case $(state_of "$(cat "../names/$1")") in running*) exit {RUNNING} ;; esac
fi
[ "$3" = 0 ] || ! listens "$3" || exit {LISTENING}
echo "$2" > "../names/$1"
"""
)
# Arguments: the record's name, a port, the seconds to wait. Prints how long it took when the port is open,
# else nothing; then how the command is, and the end of its log.
WAIT_FOR_PORT = (
    _END
    + _STATE
    + r"""
until listens "$2" && echo "$SECONDS"; do
  case $(state_of "$1") in running*) ;; *) echo; break ;; esac
  [ "$SECONDS" -lt "$3" ] || { echo; break; }
  sleep 0.1
done
state_of "$1"
tail -c 4000 "../logs/$1.log" 2> /dev/null
exit 0
"""
)

# A command for the agent: lists running commands with name, age in seconds and command line, shows the log of
# one, waits for its end, or ends some.
BACKGROUND = (
    "#!/bin/bash\n"
    + _END
    + _STATE
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
    name=$(grep -lx -- "$record" ../names/* 2> /dev/null | head -n 1)
    name=${name##*/}
    command=${command:-(left by a command that has ended)}
    echo "${name:-$record}  $((uptime - start / $(getconf CLK_TCK))) s  $command"
  done
}
record_of() {
  case $1 in
    */* | *.end) ;;
    *)
      if [ -f "../names/$1" ]; then cat "../names/$1"
      elif [ -f "../logs/$1.log" ] || [ -f "$1" ]; then echo "$1"
      fi ;;
  esac
}
known() { record=$(record_of "$1"); [ -n "$record" ] || { echo "There is nothing called $1." >&2; exit 1; }; }
show_log() {
  local log=../logs/$record.log size from length
  size=$(stat -c %s "$log" 2> /dev/null || echo 0)
  from=${1:-$((size > 10000 ? size - 10000 : 0))}
  length=$((size - from > 25000 ? 25000 : size - from))
  [ "$length" -le 0 ] || { tail -c "+$((from + 1))" "$log" | head -c "$length"; echo; }
  echo "[$(state_of "$record"); log read to byte $((length > 0 ? from + length : from)) of $size]"
}
case $1 in
  log | wait)
    case $3 in *[!0-9]*) echo "$3 is not a number." >&2; exit 2 ;; esac
    known "$2"
    if [ "$1" = log ]; then show_log "$3"; exit 0; fi
    until [ "$SECONDS" -ge "${3:-60}" ]; do
      case $(state_of "$record") in running*) sleep 0.2 ;; *) break ;; esac
    done
    show_log ;;
  "") found=$(list); echo "${found:-Nothing is running in the background.}" ;;
  end)
    shift
    for name in "$@"; do
      known "$name"
      end_groups "$record" && echo "Ended $name."
    done ;;
  *)
    echo "background lists what is running; background log NAME [BYTE] shows the end of its log, or what" \
      "comes after a byte; background wait NAME [SECONDS] waits for its end; background end NAME ends it." >&2
    exit 2 ;;
esac
"""
)

# Arguments: job, epoch, the agent's command. Takes over the sandbox, unless a later epoch of the job has it.
TAKE_OVER = rf"""
state=$HOME/.cofounder
mkdir -p "$state/bin" "$state/groups" "$state/logs" "$state/names" "$state/snapshots"
{ENTER}
{LOCKED}
if read -r job epoch 2> /dev/null < "$state/owner" && [ "$job" = "$1" ] && [ "$epoch" -gt "$2" ]; then
  exit {TAKEN}
fi
# No snapshot is being made any more: remove what is left of one, it could fill the disk.
rm -rf -- "$state/snapshots"/*
echo "$1 $2" > "$state/owner" || exit 1
printf %s "$3" > "$state/bin/background" && chmod +x "$state/bin/background"
"""

"""``proc.*`` and ``thread.*``: the process that made the event, its ancestors, session and group."""

from seawall.run.events.fields.model import table

FIELDS = table("""
proc.exe              string    -   first argument of the command line
proc.pexe             string    -   proc.exe of the parent
proc.aexe             string=   ?#  proc.exe of an ancestor: 1 is the parent; of any ancestor without a number
proc.exepath          string    -   path of the executable
proc.pexepath         string    -   proc.exepath of the parent
proc.aexepath         string=   ?#  proc.exepath of an ancestor
proc.name             string    -   name of the process, at most 15 characters
proc.pname            string    -   proc.name of the parent
proc.aname            string=   ?#  proc.name of an ancestor: 1 is the parent; of any ancestor without a number
proc.args             string    -   arguments without the first, as one text
proc.aargs            string=   ?#  proc.args of an ancestor
proc.cmdline          string    -   proc.name and proc.args
proc.pcmdline         string    -   proc.cmdline of the parent
proc.acmdline         string=   ?#  proc.cmdline of an ancestor
proc.cmdnargs         uint      -   number of arguments
proc.cmdlenargs       uint      -   characters of all arguments
proc.exeline          string    -   proc.exe and proc.args
proc.env              string    ?   environment as one text, or the variable named
proc.aenv             string=   ?   environment of the ancestors, of one of them, or the variable named
proc.cwd              string    -   working directory
proc.loginshellid     int       -   process id of the eldest shell among the ancestors
proc.tty              uint      -   controlling terminal; 0 without one
proc.pid              int       -   process id
proc.ppid             int       -   process id of the parent
proc.apid             int=      ?#  process id of an ancestor
proc.vpid             int       -   process id inside its namespace
proc.pvpid            int       -   process id of the parent inside its namespace
proc.sid              int       -   session id
proc.sname            string    -   name of the session leader
proc.sid.exe          string    -   proc.exe of the session leader
proc.sid.exepath      string    -   proc.exepath of the session leader
proc.pgid             int       -   process group id
proc.pgid.name        string    -   name of the group leader
proc.pgid.exe         string    -   proc.exe of the group leader
proc.pgid.exepath     string    -   proc.exepath of the group leader
proc.is_pgid_leader   bool      -   whether the process leads its group
proc.vpgid            int       -   process group id inside its namespace
proc.vpgid.name       string    -   name of that group's leader
proc.vpgid.exe        string    -   proc.exe of that group's leader
proc.vpgid.exepath    string    -   proc.exepath of that group's leader
proc.duration         duration  -   since the process began
proc.ppid.duration    duration  -   since the parent began
proc.pid.ts           duration  -   when the process began, nanoseconds since 1970
proc.ppid.ts          duration  -   when the parent began, nanoseconds since 1970
proc.is_exe_writable     bool   -   whether the user of the process may write its executable
proc.is_exe_upper_layer  bool   -   whether the executable was written after the container began (upper layer of overlayfs)
proc.is_exe_lower_layer  bool   -   whether the executable is in the lower layer of overlayfs
proc.is_exe_from_memfd   bool   -   whether the executable exists in memory only
proc.is_sid_leader    bool      -   whether the process leads its session
proc.is_vpgid_leader  bool      -   whether the process leads its group inside its namespace
proc.exe_ino          int       -   inode of the executable
proc.exe_ino.ctime    time      -   when the inode of the executable changed
proc.exe_ino.mtime    time      -   when the executable was written
proc.exe_ino.ctime_duration_proc_start  time - from the change of the executable's inode to the start of the process
proc.exe_ino.ctime_duration_pidns_start time - from the start of the process namespace to the change of the executable's inode
proc.pidns_init_start_ts uint   -   when the process namespace began, nanoseconds since 1970
proc.fdopencount      uint      -   number of open descriptors
proc.fdlimit          int       -   number of descriptors it may open
proc.fdusage          float     -   share of that number in use
proc.vmsize           uint      -   virtual memory, kB
proc.vmrss            uint      -   resident memory, kB
proc.vmswap           uint      -   swapped memory, kB
proc.nthreads         uint      -   threads alive
proc.nchilds          uint      -   threads alive beside the main one
proc.stdin.type       string    -   kind of descriptor 0
proc.stdout.type      string    -   kind of descriptor 1
proc.stderr.type      string    -   kind of descriptor 2
proc.stdin.name       string    -   name of descriptor 0
proc.stdout.name      string    -   name of descriptor 1
proc.stderr.name      string    -   name of descriptor 2
thread.cap_permitted    string  -   permitted capabilities
thread.cap_inheritable  string  -   inheritable capabilities
thread.cap_effective    string  -   effective capabilities
thread.pfmajor        uint      -   page faults that needed the disk
thread.pfminor        uint      -   page faults that did not
thread.tid            int       -   thread id
thread.ismain         bool      -   whether it is the main thread
thread.vtid           int       -   thread id inside its namespace
thread.nametid        string    -   process name and thread id
thread.exectime       duration  -   processor time of the last run
thread.totexectime    duration  -   processor time in all
thread.cgroups        string    -   all cgroups as one text
thread.cgroup         string    !.  the cgroup of one subsystem
thread.cpu            float     -   processor use in the last second
thread.cpu.user       float     -   processor use of the program itself
thread.cpu.system     float     -   processor use of the kernel for it
thread.vmsize         uint      -   virtual memory, kB
thread.vmrss          uint      -   resident memory, kB
thread.vmsize.b       uint      -   virtual memory, bytes
thread.vmrss.b        uint      -   resident memory, bytes
""")

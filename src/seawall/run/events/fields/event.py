"""``evt.*``: the event itself. ``COMMON`` is there for every source, ``SYSCALL`` for system calls only."""

from seawall.run.events.fields.model import table

COMMON = table("""
evt.num               uint      -   number of the event, counted from the start of the capture
evt.time              string    -   time of day, with nanoseconds
evt.time.s            string    -   time of day, in whole seconds
evt.time.iso8601      string    -   date and time in ISO 8601 with nanoseconds, in UTC
evt.datetime          string    -   date and time, with nanoseconds
evt.datetime.s        string    -   date and time, in whole seconds
evt.rawtime           time      -   nanoseconds since 1970
evt.rawtime.s         time      -   the whole seconds of evt.rawtime
evt.rawtime.ns        time      -   the nanoseconds of evt.rawtime beyond the second
evt.reltime           duration  -   nanoseconds since the capture began
evt.reltime.s         duration  -   the whole seconds of evt.reltime
evt.reltime.ns        duration  -   the nanoseconds of evt.reltime beyond the second
evt.pluginname        string    -   the plugin that made the event
evt.plugininfo        string    -   that plugin's own summary of the event
evt.source            string    -   the source of the event, such as syscall or k8s_audit
evt.is_async          bool      -   whether the event was made beside the stream of events
evt.asynctype         string    -   the kind of such an event
evt.hostname          string    -   name of the host
""")

SYSCALL = table("""
evt.latency           duration  -   from the entry of a call to its exit; deprecated
evt.latency.s         duration  -   the whole seconds of evt.latency; deprecated
evt.latency.ns        duration  -   the nanoseconds of evt.latency beyond the second; deprecated
evt.latency.quantized uint      -   power of ten of evt.latency; deprecated
evt.latency.human     string    -   evt.latency for people; deprecated
evt.deltatime         duration  -   since the event before
evt.deltatime.s       duration  -   the whole seconds of evt.deltatime
evt.deltatime.ns      duration  -   the nanoseconds of evt.deltatime beyond the second
evt.outputtime        string    -   time as the output is set to print it
evt.dir               string    -   > on entry into a call, < on exit; deprecated
evt.type              string    -   name of the event, such as openat
evt.type.is           uint      !.  1 where the event is of the type named behind the dot, else 0
syscall.type          string    -   name of the system call; absent for other events
evt.category          string    -   kind of the call: file, net, memory, process, ...
evt.cpu               int       -   the processor it happened on
evt.args              string    -   all arguments as one text
evt.arg               string    !.  one argument, by name or number
evt.rawarg            any=      !.  one argument, by name, as the kernel gave it
evt.info              string    -   the same as evt.args
evt.buffer            bytes     -   the data that was read or written
evt.buflen            uint      -   size of that data
evt.res               string    -   SUCCESS, or the name of the error
evt.rawres            int       -   what the call returned
evt.failed            bool      -   whether the call returned an error
evt.is_io             bool      -   whether it reads or writes
evt.is_io_read        bool      -   whether it reads
evt.is_io_write       bool      -   whether it writes
evt.io_dir            string    -   r for reading, w for writing
evt.is_wait           bool      -   whether the call waits
evt.wait_latency      duration  -   how long it waited; deprecated
evt.is_syslog         bool      -   whether it writes to /dev/log
evt.count             uint      -   always 1
evt.count.error       uint      -   1 where the call failed
evt.count.error.file  uint      -   1 where a call on files failed
evt.count.error.net   uint      -   1 where a call on the network failed
evt.count.error.memory uint     -   1 where a call on memory failed
evt.count.error.other uint      -   1 where any other call failed
evt.count.exit        uint      -   1 on exit
evt.count.procinfo    uint      -   1 for the accounts of a main thread
evt.count.threadinfo  uint      -   1 for the accounts of any thread
evt.around            uint>     !#  milliseconds around the time in brackets
evt.abspath           string    !.  absolute path of an argument, also as evt.abspath.src and evt.abspath.dst
evt.buflen.in         uint      -   size of what was read
evt.buflen.out        uint      -   size of what was written
evt.buflen.file       uint      -   size of what went through a file
evt.buflen.file.in    uint      -   size of what was read from a file
evt.buflen.file.out   uint      -   size of what was written to a file
evt.buflen.net        uint      -   size of what went through the network
evt.buflen.net.in     uint      -   size of what was received
evt.buflen.net.out    uint      -   size of what was sent
evt.is_open_read      bool      -   whether a file is opened to be read
evt.is_open_write     bool      -   whether a file is opened to be written
evt.is_open_exec      bool      -   whether a file is made that can be executed
evt.is_open_create    bool      -   whether a file is made
evt.infra.docker.name            string - name of an event of Docker
evt.infra.docker.container.id    string - the container it is about
evt.infra.docker.container.name  string - name of that container
evt.infra.docker.container.image string - image of that container
syslog.facility.str   string    -   facility of a syslog message, as a name
syslog.facility       uint      -   facility of a syslog message, as a number
syslog.severity.str   string    -   severity of a syslog message, as a name
syslog.severity       uint      -   severity of a syslog message, as a number
syslog.message        string    -   text of a syslog message
""")

"""``fd.*`` and ``fdlist.*``: the file, socket or other descriptor that a call is about."""

from seawall.run.events.fields.model import table

FIELDS = table("""
fd.num                int       -   number of the descriptor
fd.type               string    -   kind: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify, memfd, ...
fd.typechar           string    -   kind as one letter: f file, 4 and 6 sockets, u unix, p pipe, e event, s signal, l epoll, i inotify, o other
fd.name               string    -   path of a file, or the two ends of a connection
fd.directory          string    -   directory of a file
fd.filename           string    -   name of a file without its directory
fd.ip                 ip>       -   address of either end
fd.cip                ip        -   address of the client
fd.sip                ip        -   address of the server
fd.lip                ip        -   local address
fd.rip                ip        -   remote address
fd.port               port>     -   port of either end
fd.cport              port      -   port of the client
fd.sport              port      -   port of the server
fd.lport              port      -   local port
fd.rport              port      -   remote port
fd.l4proto            string    -   tcp, udp, icmp or raw
fd.sockfamily         string    -   ip or unix
fd.is_server          bool      -   whether the process is the server of the connection
fd.uid                string    -   number of the descriptor and thread id
fd.containername      string    -   container id and fd.name
fd.containerdirectory string    -   container id and fd.directory
fd.proto              port>     -   service of either end, by name or number
fd.cproto             string    -   service of the client's port
fd.sproto             string    -   service of the server's port
fd.lproto             string    -   service of the local port
fd.rproto             string    -   service of the remote port
fd.net                net>      -   network of either end
fd.cnet               net>      -   network of the client
fd.snet               net>      -   network of the server
fd.lnet               net>      -   local network
fd.rnet               net>      -   remote network
fd.connected          bool      -   whether the socket is connected
fd.name_changed       bool      -   whether this event changed the name
fd.cip.name           string    -   domain name of the client
fd.sip.name           string    -   domain name of the server
fd.lip.name           string    -   local domain name
fd.rip.name           string    -   remote domain name
fd.dev                int       -   device of the file
fd.dev.major          int       -   major number of the device
fd.dev.minor          int       -   minor number of the device
fd.ino                int       -   inode of the file
fd.nameraw            string    -   the path as the call gave it
fd.types              string*   ?#  kinds of all open descriptors, or of the one numbered
fd.is_upper_layer     bool      -   whether the file is in the upper layer of overlayfs
fd.is_lower_layer     bool      -   whether the file is in the lower layer of overlayfs
fdlist.nums           string    -   numbers of the descriptors waited for
fdlist.names          string    -   their names
fdlist.cips           string    -   addresses of their clients
fdlist.sips           string    -   addresses of their servers
fdlist.cports         string    -   ports of their clients
fdlist.sports         string    -   ports of their servers
""")

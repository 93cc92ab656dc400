# Reads two versions a line, with a tab between, and says how Perl orders them; "?" where it refuses one.
use strict;
use warnings;
use version;
local $SIG{__WARN__} = sub { };
while (my $line = <STDIN>) {
    chomp $line;
    my ($x, $y) = split /\t/, $line, -1;
    my $order = eval { version->parse($x) <=> version->parse($y) };
    print defined $order ? $order : "?", "\n";
}

<?php
// Reads two versions a line, with a tab between, and says how PHP orders them as they are.
while (($line = fgets(STDIN)) !== false) {
    [$a, $b] = explode("\t", rtrim($line, "\n"));
    echo version_compare($a, $b), "\n";
}

<?php
// Reads two versions a line, with a tab between, and says how Composer orders them; "?" where it refuses one.
require 'Composer/Semver/VersionParser.php';
$parser = new Composer\Semver\VersionParser();
while (($line = fgets(STDIN)) !== false) {
    [$a, $b] = explode("\t", rtrim($line, "\n"));
    try {
        echo version_compare($parser->normalize($a), $parser->normalize($b)), "\n";
    } catch (UnexpectedValueException $refused) {
        echo "?\n";
    }
}

from seawall.build.image.cataloguer import File
from seawall.build.image.cataloguers.java_gradle_lockfile import CATALOGUER
from seawall.build.image.selection import Selection
from seawall.core.package import Package

LOCK = b"""# This is a Gradle generated file for dependency locking.
# Manual edits can break the build and are not advised.
# This file is expected to be part of source control.
com.google.guava:guava:31.1-jre=compileClasspath,runtimeClasspath,testRuntimeClasspath
junit:junit:4.13.2=testCompileClasspath,testRuntimeClasspath
org.robolectric:robolectric:4.11=debugUnitTestRuntimeClasspath
org.projectlombok:lombok:1.18.30=annotationProcessor
empty=archives,signatures
"""


def told(path: str, data: bytes) -> list[tuple[str, str, bool]]:
    (cataloguer,) = Selection([CATALOGUER]).of(path)
    facts = list(cataloguer.parse(File(path, data)))
    assert all(isinstance(fact, Package) and fact.type == "maven" for fact in facts)
    return [(fact.name, fact.version, fact.development) for fact in facts if isinstance(fact, Package)]


def test_one_file_for_a_project() -> None:
    assert told("srv/gradle.lockfile", LOCK) == [
        ("com.google.guava:guava", "31.1-jre", False),
        ("junit:junit", "4.13.2", True),
        ("org.robolectric:robolectric", "4.11", True),
        ("org.projectlombok:lombok", "1.18.30", False),
    ]


def test_the_build_script_is_not_run_time() -> None:
    assert told("srv/buildscript-gradle.lockfile", b"a:b:1.0=classpath\nempty=\n") == [("a:b", "1.0", True)]


def test_one_file_for_a_configuration() -> None:
    assert told("srv/gradle/dependency-locks/runtimeClasspath.lockfile", b"# locked\na:b:1.0\n") == [("a:b", "1.0", False)]
    assert told("srv/gradle/dependency-locks/testRuntimeClasspath.lockfile", b"a:b:1.0") == [("a:b", "1.0", True)]


def test_lines_of_other_shapes() -> None:
    assert told("gradle.lockfile", b"a:b\na:b:c:d=x\n=\n:::\na b:c:d=x\n") == []

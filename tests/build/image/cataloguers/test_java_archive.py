import io
import struct
import zipfile
from collections.abc import Mapping

import pytest

from seawall.build.image.cataloguer import Fact, File, Problem
from seawall.build.image.cataloguers import java_archive
from seawall.build.image.cataloguers.java_archive import CATALOGUER, parse
from seawall.build.image.selection import Selection
from seawall.core.package import Package


def jar(members: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pom(group: str, artifact: str, version: str) -> dict[str, str | bytes]:
    text = f"#Created by Apache Maven 3.8.7\nversion={version}\ngroupId={group}\nartifactId={artifact}\n"
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def manifest(**attributes: str) -> dict[str, str | bytes]:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in attributes.items()]
    return {"META-INF/MANIFEST.MF": "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""])}


def facts(path: str, data: bytes) -> list[Fact]:
    return list(parse(File(path, data)))


def told(path: str, data: bytes) -> list[tuple[str, str, str]]:
    found = facts(path, data)
    assert all(isinstance(fact, Package) and fact.type == "maven" for fact in found), found
    return [(fact.path, fact.name, fact.version) for fact in found if isinstance(fact, Package)]


LOG4J = pom("org.apache.logging.log4j", "log4j-core", "2.14.1")
GUAVA = pom("com.google.guava", "guava", "31.1-jre")


def test_shaded_jars_have_all_they_hold() -> None:
    assert told("opt/all.jar", jar({**LOG4J, **GUAVA})) == [
        ("opt/all.jar", "org.apache.logging.log4j:log4j-core", "2.14.1"),
        ("opt/all.jar", "com.google.guava:guava", "31.1-jre"),
    ]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_in_archives(compression: int) -> None:
    war = jar({"WEB-INF/lib/log4j-core-2.14.1.jar": jar(LOG4J), "WEB-INF/classes/a.class": b""}, compression)
    ear = jar({"shop.war": war, "lib/guava.jar": jar(GUAVA)}, compression)
    assert told("opt/shop.ear", ear) == [
        ("opt/shop.ear!/shop.war!/WEB-INF/lib/log4j-core-2.14.1.jar", "org.apache.logging.log4j:log4j-core", "2.14.1"),
        ("opt/shop.ear!/lib/guava.jar", "com.google.guava:guava", "31.1-jre"),
    ]


def test_a_program_before_the_archive() -> None:
    assert told("opt/run.jar", b"#!/bin/sh\nexec java -jar $0\n" + jar(GUAVA)) == [("opt/run.jar", "com.google.guava:guava", "31.1-jre")]


def test_a_pom_where_the_properties_are_missing() -> None:
    text = """<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>org.example</groupId><version>1.5</version></parent>
    <artifactId>a</artifactId><licenses><license><name>The Apache Software License,  Version 2.0</name></license></licenses></project>"""
    (package,) = facts("a.jar", jar({"META-INF/maven/org.example/a/pom.xml": text}))
    assert package == Package(type="maven", name="org.example:a", version="1.5", licenses=("Apache-2.0",), path="a.jar")


def test_a_pom_beside_the_properties_tells_the_licence_only() -> None:
    text = """<project><groupId>x</groupId><artifactId>y</artifactId><version>9</version>
    <licenses><license><name>Own</name></license></licenses></project>"""
    (package,) = facts("a.jar", jar({**GUAVA, "META-INF/maven/com.google.guava/guava/pom.xml": text}))
    assert package == Package(type="maven", name="com.google.guava:guava", version="31.1-jre", licenses=("Own",), path="a.jar")


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("thing-1.2.3.jar", {}, ("thing", "1.2.3")),
        ("my-thing-1.0-beta-2.jar", {}, ("my-thing", "1.0-beta-2")),
        ("log4j-1.2-api-2.17.1.jar", {}, ("log4j-1.2-api", "2.17.1")),
        ("thing-31.1-jre.jar", {}, ("thing", "31.1-jre")),
        ("thing-1.0-20240101.120000-7.jar", {}, ("thing", "1.0-20240101.120000-7")),
        ("thing_2.13-3.4.0.jar", {}, ("thing_2.13", "3.4.0")),
        ("thing-4.1.100.Final-linux-x86_64.jar", {}, ("thing", "4.1.100.Final")),
        ("thing-1.2.3-SNAPSHOT.war", {}, ("thing", "1.2.3-SNAPSHOT")),
        ("thing-1.2.3-sources.jar", {}, None),
        ("thing.jar", {}, None),
        ("thing.jar", {"Implementation_Title": "other-thing", "Implementation_Version": "3.0"}, ("other-thing", "3.0")),
        ("thing.jar", {"Implementation_Title": "The Other Thing", "Implementation_Version": "3.0"}, ("thing", "3.0")),
        ("thing.jar", {"Bundle_SymbolicName": "org.example.thing;singleton:=true", "Bundle_Version": "3.0.0"}, ("thing", "3.0.0")),
        ("thing.jar", {"Implementation_Version": "${project.version}"}, None),
        ("thing.jar", {"Specification_Version": "3.0"}, None),
        ("thing-1.2.3.jar", {"Implementation_Title": "io.example#thing;1.2.4"}, ("io.example:thing", "1.2.4")),
        ("spring-core-5.3.17.jar", {"Automatic_Module_Name": "spring.core"}, ("org.springframework:spring-core", "5.3.17")),
        ("tomcat-embed-core-9.0.60.jar", {}, ("org.apache.tomcat.embed:tomcat-embed-core", "9.0.60")),
        ("asm-3.3.1.jar", {}, ("asm:asm", "3.3.1")),
        ("asm-9.7.1.jar", {"Bundle_SymbolicName": "org.objectweb.asm"}, ("org.ow2.asm:asm", "9.7.1")),
        ("spring-core-extras-5.3.17.jar", {}, ("spring-core-extras", "5.3.17")),
    ],
)
def test_names_of_last_resort(name: str, attributes: dict[str, str], expected: tuple[str, str] | None) -> None:
    assert told(f"opt/{name}", jar(manifest(**attributes))) == ([(f"opt/{name}", *expected)] if expected else [])


def test_a_name_adds_nothing_to_a_pom_of_the_same() -> None:
    assert len(told("guava-31.1-jre.jar", jar({**GUAVA, **manifest(Implementation_Version="31.1")}))) == 1
    assert len(told("renamed-31.1-jre.jar", jar(GUAVA))) == 1
    assert [name for _, name, _ in told("shop-1.0.jar", jar({**GUAVA, **LOG4J}))] == [
        "com.google.guava:guava",
        "org.apache.logging.log4j:log4j-core",
        "shop",
    ]


def test_continued_lines_of_a_manifest() -> None:
    text = "Implementation-Ti\r\n tle: long-\r\n name\r\nImplementation-Version: 1.0\r\n\r\nName: x\r\nImplementation-Version: 2"
    assert told("a.jar", jar({"META-INF/MANIFEST.MF": text})) == [("a.jar", "long-name", "1.0")]


def test_paths() -> None:
    selection = Selection([CATALOGUER])
    assert all(selection.of(f"opt/a{suffix}") for suffix in (".jar", ".war", ".ear", ".par", ".hpi"))
    assert not selection.of("opt/a.zip")


def test_what_is_no_archive() -> None:
    assert facts("a.jar", b"") == [Problem("a.jar", "not a readable archive: File is not a zip file")]
    assert facts("a.jar", jar(GUAVA)[:-30]) == [Problem("a.jar", "not a readable archive: File is not a zip file")]


def test_a_broken_member_does_not_hide_the_others() -> None:
    inner = jar(LOG4J)
    data = bytearray(jar({"lib/broken.jar": inner, "lib/whole.jar": jar(GUAVA)}, zipfile.ZIP_STORED))
    data[data.index(inner) + 40] ^= 0xFF
    found = facts("a.war", bytes(data))
    assert [fact.name for fact in found if isinstance(fact, Package)] == ["com.google.guava:guava"]
    assert [fact.path for fact in found if isinstance(fact, Problem)] == ["a.war!/lib/broken.jar"]


def test_encrypted_members_are_a_problem() -> None:
    data = bytearray(jar(GUAVA))
    data[6] |= 1
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    (fact,) = facts("a.jar", bytes(data))
    assert isinstance(fact, Problem)
    assert "encrypted" in fact.message


def test_data_descriptors() -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    buffer = Unseekable()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in GUAVA.items():
            archive.writestr(name, content)
    data = buffer.getvalue()
    assert b"PK\x07\x08" in data
    assert told("a.jar", data) == [("a.jar", "com.google.guava:guava", "31.1-jre")]


def test_bombs_are_not_inflated() -> None:
    bomb = jar({"a.jar": bytes(200 * 2**20)})
    assert len(bomb) < 2**20
    (fact,) = facts("bomb.jar", bomb)
    assert fact == Problem("bomb.jar!/a.jar", "larger than 134,217,728 bytes when inflated; not read")
    many = jar({f"{index}.jar": jar(pom("g", f"a{index}", "1.0")) for index in range(100)})
    budget = java_archive.Budget(bytes=3_000)
    found = list(java_archive._archive("a.jar", many, budget, 10**6, 1))
    assert 0 < len(found) < 20
    assert budget.problems


def test_a_size_that_lies() -> None:
    data = bytearray(jar({"META-INF/maven/g/a/pom.properties": "x" * 3 * 2**20}))
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 10)
    (fact,) = facts("a.jar", bytes(data))
    assert isinstance(fact, Problem)


def test_towers_are_climbed_to_a_height() -> None:
    data = jar(GUAVA)
    for _ in range(8):
        data = jar({"a.jar": data})
    (fact,) = facts("a.jar", data)
    assert isinstance(fact, Problem)
    assert "nested deeper than 6 levels" in fact.message


def test_too_many_entries() -> None:
    one = jar({"a": b""})
    central = one.index(b"PK\x01\x02")
    entry = one[central : one.index(b"PK\x05\x06")]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) * 250_000, central, 0)
    assert facts("a.jar", one[:central] + entry * 250_000 + end) == [Problem("a.jar", "an archive of more than 200,000 entries; not read")]


def test_entries_of_stored_archives_are_not_the_archives_own() -> None:
    inner = jar({**GUAVA, "a": b"PK\x01\x02" * 250_000}, zipfile.ZIP_STORED)
    assert [name for _, name, _ in told("a.jar", jar({"b.jar": inner}, zipfile.ZIP_STORED))] == ["com.google.guava:guava"]


@pytest.mark.parametrize("comment", [b"", b"a comment", b"x" * 65_535, b"PK\x05\x06 \0\0"])
def test_entries_are_counted_as_the_standard_library_finds_them(comment: bytes) -> None:
    buffer = io.BytesIO(b"#!/bin/sh\n")
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = comment
        for number in range(7):
            archive.writestr(str(number), b"PK\x01\x02")
    try:
        found = len(zipfile.ZipFile(buffer).infolist())
    except zipfile.BadZipFile:
        found = 0
    assert java_archive._entries(buffer.getvalue()) >= found


def test_many_poms_are_not_all_read() -> None:
    text = "<project>" + "<a/>" * 1_000 + "</project>"
    many = jar({f"META-INF/maven/g/a{index}/pom.xml": text for index in range(10)})
    budget = java_archive.Budget(pom_bytes=len(text) * 3)
    assert list(java_archive._archive("a.jar", many, budget, 10**6, 1)) == []
    assert len(budget.problems) == 7


def test_names_that_are_paths_or_worse() -> None:
    data = jar({"../../etc/x.jar": jar(GUAVA), "/abs/\x1b[31m.jar": jar(LOG4J)})
    assert [path for path, _, _ in told("a.jar", data)] == ["a.jar!/../../etc/x.jar", "a.jar!/abs/\ufffd[31m.jar"]


def test_problems_are_not_listed_without_end() -> None:
    found = facts("a.jar", jar({f"{index}.jar": b"" for index in range(300)}))
    assert len(found) == java_archive.MAX_PROBLEMS + 1

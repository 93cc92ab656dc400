import pytest

from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.cataloguers.java_pom import parse, resolved
from seawall.core.package import Package

POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>7</version></parent>
  <artifactId>shop</artifactId>
  <properties>
    <guava.version>31.1-jre</guava.version>
    <alias>${guava.version}</alias>
    <loop>${loop}</loop>
    <a>${b}</a><b>${a}</b>
  </properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>1.7.36</version></dependency>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope></dependency>
    <dependency><groupId>org.example</groupId><artifactId>bom</artifactId><version>1</version><type>pom</type><scope>import</scope></dependency>
    <dependency><groupId>org.unused</groupId><artifactId>unused</artifactId><version>1</version></dependency>
    <dependency><groupId>io.netty</groupId><artifactId>netty</artifactId><classifier>linux</classifier><version>4.1</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>com.google.guava</groupId><artifactId>guava</artifactId><version>${alias}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId></dependency>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>models</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>pinned</groupId><artifactId>pinned</artifactId><version>[1.0]</version></dependency>
    <dependency><groupId>io.netty</groupId><artifactId>netty</artifactId></dependency>
    <dependency><groupId>ranged</groupId><artifactId>ranged</artifactId><version>[1.0,2.0)</version></dependency>
    <dependency><groupId>unknown</groupId><artifactId>unknown</artifactId><version>${not.here}</version></dependency>
    <dependency><groupId>looped</groupId><artifactId>looped</artifactId><version>${loop}${a}</version></dependency>
    <dependency><groupId>newest</groupId><artifactId>newest</artifactId><version>LATEST</version></dependency>
    <dependency><groupId>host</groupId><artifactId>host</artifactId><version>1</version><scope>system</scope></dependency>
    <dependency><artifactId>nameless</artifactId><version>1</version></dependency>
  </dependencies>
  <build><plugins><plugin><dependencies>
    <dependency><groupId>plugin</groupId><artifactId>plugin</artifactId><version>1</version></dependency>
  </dependencies></plugin></plugins></build>
</project>
"""


def test_versions_that_the_file_tells() -> None:
    facts = list(parse(File("srv/pom.xml", POM.encode())))
    assert facts == [
        Package(type="maven", name=name, version=version, development=development, path="srv/pom.xml")
        for name, version, development in [
            ("com.google.guava:guava", "31.1-jre", False),
            ("org.slf4j:slf4j-api", "1.7.36", False),
            ("junit:junit", "4.13.2", True),
            ("org.example:models", "7", False),
            ("pinned:pinned", "1.0", False),
        ]
    ]


def test_a_pom_in_an_unpacked_jar() -> None:
    assert list(parse(File("opt/app/META-INF/maven/a/b/pom.xml", POM.encode()))) == []


def test_references_that_double() -> None:
    properties = {f"p{index}": f"${{p{index + 1}}}${{p{index + 1}}}" for index in range(100)}
    assert len(resolved("${p0}", properties)) <= 1_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><project>&a;</project>', "has a document type declaration; not read"),
        ('<!DOCTYPE project SYSTEM "file:///etc/passwd"><project/>', "has a document type declaration; not read"),
        ("<project>", "not valid XML: no element found"),
        ("", "not valid XML: no element found"),
        ("<project>&unknown;</project>", "not valid XML: undefined entity"),
        ("<a>" * 5_000, "nested deeper than 100 levels; not read"),
        ('<?xml version="1.0" encoding="none-such"?><project/>', "not valid XML: unknown encoding"),
    ],
)
def test_refused(text: str, message: str) -> None:
    (fact,) = parse(File("pom.xml", text.encode()))
    assert isinstance(fact, Problem)
    assert fact.message == message


def test_other_xml() -> None:
    assert list(parse(File("pom.xml", b"<html/>"))) == []
    assert list(parse(File("pom.xml", '<?xml version="1.0" encoding="ISO-8859-1"?><project><name>\xe9</name></project>'.encode("latin-1")))) == []

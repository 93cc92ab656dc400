"""The Maven groups of widely used artifacts whose jars do not tell it: what is built with Gradle or Ant has no ``pom.properties``.

Only names that one publisher uses are here, with the versions it does so for. Source: the published POMs of these artifacts.
"""

import re
from typing import Final

# group: artifacts, as an expression that the whole name must meet
_GROUPS: Final = {
    "ch.qos.reload4j": "reload4j",
    "com.h2database": "h2",
    "com.mysql": "mysql-connector-j",
    "com.squareup.okhttp3": "okhttp(?:-(?:brotli|dnsoverhttps|sse|tls|urlconnection)|-logging-interceptor)?",
    "com.squareup.okio": "okio(?:-jvm)?",
    "com.squareup.retrofit2": "retrofit",
    "io.grpc": "grpc-(?:alts|api|auth|census|context|core|googleapis|inprocess|netty|netty-shaded|okhttp|protobuf|protobuf-lite|rls|services|stub"
    "|util|xds)",
    "io.projectreactor": "reactor-core",
    "io.projectreactor.netty": "reactor-netty(?:-core|-http)?",
    "mysql": "mysql-connector-java",
    "org.apache.kafka": "kafka-clients|kafka-streams|kafka_2\\.1[0-9]|connect-(?:api|json|runtime|transforms)",
    "org.apache.tomcat.embed": "tomcat-embed-(?:core|el|jasper|websocket)",
    "org.aspectj": "aspectj(?:rt|tools|weaver)",
    "org.bouncycastle": "bc(?:jmail|mail|pg|pkix|prov|prov-ext|tls|util)-(?:jdk14|jdk15on|jdk15to18|jdk18on)",
    "org.jetbrains.kotlin": "kotlin-(?:reflect|script-runtime|stdlib|stdlib-common|stdlib-jdk7|stdlib-jdk8)",
    "org.jetbrains.kotlinx": "kotlinx-(?:coroutines|serialization)-[a-z0-9-]+",
    "org.postgresql": "postgresql",
    "org.springframework": "spring-(?:aop|aspects|beans|context|context-indexer|context-support|core|expression|instrument|jcl|jdbc|jms|messaging|orm"
    "|oxm|r2dbc|test|tx|web|webflux|webmvc|webmvc-portlet|websocket)",
    "org.springframework.boot": "spring-boot(?:-actuator|-actuator-autoconfigure|-autoconfigure|-devtools|-jarmode-layertools|-jarmode-tools|-loader"
    "|-loader-tools|-starter(?:-[a-z0-9-]+)?)?",
    "org.springframework.security": "spring-security-(?:acl|aspects|cas|config|core|crypto|data|ldap|messaging|oauth2-(?:client|core|jose"
    "|resource-server)|remoting|rsocket|saml2-service-provider|taglibs|test|web)",
}

# group: the same, and the first and last major version that it has
_MOVED: Final = (
    ("org.ow2.asm", "asm(?:-all|-analysis|-commons|-tree|-util|-xml)?", 4, 99),
    ("asm", "asm(?:-all|-analysis|-attrs|-commons|-tree|-util|-xml)?", 1, 3),
    ("org.codehaus.groovy", "groovy(?:-[a-z0-9-]+)?", 1, 3),
    ("org.apache.groovy", "groovy(?:-[a-z0-9-]+)?", 4, 99),
    ("org.hibernate", "hibernate-core", 4, 5),
    ("org.hibernate.orm", "hibernate-core", 6, 99),
    ("org.apache.lucene", "lucene-[a-z0-9-]+", 9, 99),
)


def known_group(artifact: str, version: str) -> str:
    """The group of an artifact, empty where it is not known."""
    for group, expression in _GROUPS.items():
        if re.fullmatch(expression, artifact):
            return group
    major = re.match(r"\d{1,4}(?=\.)", version)
    for group, expression, first, last in _MOVED:
        if major and first <= int(major[0]) <= last and re.fullmatch(expression, artifact):
            return group
    return ""

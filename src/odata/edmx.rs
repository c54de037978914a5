//! The documents that describe a feed: the service document and `$metadata`.

use super::links::Links;
use super::protocol::Protocol;
use super::xml::{METADATA, Xml};

const EDM: &str = "http://schemas.microsoft.com/ado/2006/04/edm";

/// A function and its parameters, each with whether it is a Boolean.
type Function = (&'static str, &'static [(&'static str, bool)]);

/// The functions of version 2. Clients look for their names alone (NuGet.Client, `LegacyFeedCapabilityResourceV2Feed`;
/// choco 2 gives up searching without `Search`).
const V2: &[Function] = &[
    (
        "Search",
        &[
            ("searchTerm", false),
            ("targetFramework", false),
            ("includePrerelease", true),
            ("semVerLevel", false),
        ],
    ),
    ("FindPackagesById", &[("id", false), ("semVerLevel", false)]),
    (
        "GetUpdates",
        &[
            ("packageIds", false),
            ("versions", false),
            ("includePrerelease", true),
            ("includeAllVersions", true),
            ("targetFrameworks", false),
            ("versionConstraints", false),
            ("semVerLevel", false),
        ],
    ),
];

/// The functions of version 1 (NuGetGallery, `NuGetODataV1FeedConfig.GetEdmModel`).
const V1: &[Function] = &[
    ("Search", &[("searchTerm", false), ("targetFramework", false)]),
    ("FindPackagesById", &[("id", false)]),
];

/// Writes the service document. NuGetGallery's functional tests look for `<atom:title` in it.
#[must_use]
pub fn service(links: &Links<'_>) -> String {
    let mut xml = Xml::document(512);
    xml.raw(r#"<service xml:base=""#).text(links.root);
    xml.raw(r#"/" xmlns="http://www.w3.org/2007/app" xmlns:atom="http://www.w3.org/2005/Atom">"#);
    xml.raw(r#"<workspace><atom:title type="text">Default</atom:title>"#);
    xml.raw(r#"<collection href="Packages"><atom:title type="text">Packages</atom:title></collection>"#);
    xml.raw("</workspace></service>");
    xml.finish()
}

/// Writes the metadata: one entity set, which clients expect first in its container, the union of the galleries'
/// properties, and no feed customisation, for a client of the WCF generation would then look for a property in an Atom
/// element alone.
#[must_use]
pub fn metadata(protocol: Protocol) -> String {
    let mut xml = Xml::document(16 * 1024);
    xml.raw(r#"<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">"#);
    xml.raw(r#"<edmx:DataServices m:DataServiceVersion="2.0" m:MaxDataServiceVersion="2.0" xmlns:m=""#);
    xml.raw(METADATA).raw(r#"">"#);
    entity_type(&mut xml, protocol);
    container(&mut xml, protocol);
    xml.raw("</edmx:DataServices></edmx:Edmx>");
    xml.finish()
}

fn schema(xml: &mut Xml, namespace: &str) {
    xml.raw(r#"<Schema Namespace=""#).raw(namespace);
    xml.raw(r#"" xmlns=""#).raw(EDM).raw(r#"">"#);
}

fn entity_type(xml: &mut Xml, protocol: Protocol) {
    schema(xml, "NuGetGallery.OData");
    xml.raw(r#"<EntityType Name=""#).raw(protocol.entity());
    xml.raw(r#"" m:HasStream="true"><Key>"#);
    xml.raw(r#"<PropertyRef Name="Id"/><PropertyRef Name="Version"/></Key>"#);
    for declared in protocol.properties() {
        xml.raw(r#"<Property Name=""#).raw(declared.name);
        xml.raw(r#"" Type=""#).raw(declared.edm);
        xml.raw(if declared.nullable {
            r#""/>"#
        } else {
            r#"" Nullable="false"/>"#
        });
    }
    xml.raw("</EntityType></Schema>");
}

fn container(xml: &mut Xml, protocol: Protocol) {
    let (context, functions) = match protocol {
        Protocol::V1 => ("V1FeedContext", V1),
        Protocol::V2 => ("V2FeedContext", V2),
    };
    let entity = protocol.qualified_entity();
    schema(xml, "NuGetGallery");
    xml.raw(r#"<EntityContainer Name=""#).raw(context);
    xml.raw(r#"" m:IsDefaultEntityContainer="true">"#);
    xml.raw(r#"<EntitySet Name="Packages" EntityType=""#)
        .raw(entity)
        .raw(r#""/>"#);
    for (name, parameters) in functions {
        xml.raw(r#"<FunctionImport Name=""#).raw(name);
        xml.raw(r#"" ReturnType="Collection("#).raw(entity);
        xml.raw(r#")" EntitySet="Packages">"#);
        for (parameter, is_boolean) in *parameters {
            xml.raw(r#"<Parameter Name=""#).raw(parameter);
            xml.raw(if *is_boolean {
                r#"" Type="Edm.Boolean" Nullable="false"/>"#
            } else {
                r#"" Type="Edm.String" FixedLength="false" Unicode="false"/>"#
            });
        }
        xml.raw("</FunctionImport>");
    }
    xml.raw("</EntityContainer></Schema>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::xml::lines;

    #[test]
    fn a_service_document() {
        let links = Links {
            root: "http://127.0.0.1:8624/api/v2",
            protocol: Protocol::V2,
        };
        insta::assert_snapshot!(lines(&service(&links)));
    }

    #[test]
    fn a_metadata_document() {
        insta::assert_snapshot!(lines(&metadata(Protocol::V2)));
    }

    #[test]
    fn a_metadata_document_of_version_one() {
        insta::assert_snapshot!(lines(&metadata(Protocol::V1)));
    }
}

using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using System.Xml.Linq;
using ResultsEs.Contracts;

namespace ResultsEs.OpenApi;

/// <summary>Descriptions of records and their members, from the XML documentation files that the compiler writes.</summary>
internal sealed class CodeTexts
{
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);

    public CodeTexts()
    {
        var files = Directory.EnumerateFiles(AppContext.BaseDirectory, "ResultsEs*.xml");
        foreach (var member in files.SelectMany(file => XDocument.Load(file, LoadOptions.PreserveWhitespace).Descendants("member")))
        {
            var name = (string)member.Attribute("name")!;
            if (member.Element("summary") is { } summary)
                _texts[name] = Plain(summary);
            // A record's members are documented as its constructor's parameters.
            foreach (var parameter in member.Elements("param"))
                _texts[$"param:{name[2..].Split(".#ctor", 2)[0]}.{(string)parameter.Attribute("name")!}"] = Plain(parameter);
        }
    }

    public string? Of(Type type) => _texts.GetValueOrDefault($"T:{type.FullName}");

    /// <summary>The summary of a record's member, or its text as a constructor parameter; null without either.</summary>
    public string? Of(JsonPropertyInfo member) => member.AttributeProvider is MemberInfo { Name: var name, DeclaringType: { } type }
        ? _texts.GetValueOrDefault($"P:{type.FullName}.{name}")
            ?? _texts.GetValueOrDefault($"param:{member.DeclaringType.FullName}.{name}")
        : null;

    private static string Plain(XElement element)
    {
        var texts = element.Nodes().Select(node => node switch
        {
            XText words => words.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" } see => $"`{Camel(((string?)see.Attribute("cref") ?? "").Split('.')[^1])}`",
            XElement other => other.Value,
            _ => "",
        });
        return string.Join(' ', string.Concat(texts).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    // A name that is no type of the contracts is a member, which JSON writes in camel case.
    private static string Camel(string name) =>
        typeof(StreamEvent).Assembly.GetType($"ResultsEs.Contracts.{name}") is null ? JsonNamingPolicy.CamelCase.ConvertName(name) : name;
}

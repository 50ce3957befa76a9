using System.ComponentModel;

namespace ResultsEs.Common;

/// <summary>
/// The keys and values of a section that do not fit its options class. The framework's binder skips both in silence: a key that no
/// property has, and a list's entry with a value that cannot be read. A problem names the key and never repeats a value.
/// </summary>
internal static class SettingsShape
{
    /// <summary>The problems of a section; of the configuration's root only those of the sections that the class names.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration, Type type) => configuration is IConfigurationSection section
        ? OfSection(section, type)
        : PropertiesOf(type).SelectMany(property => OfSection(configuration.GetSection(property.Name), property.PropertyType));

    /// <summary>The names of the keys that a class of settings has.</summary>
    public static IEnumerable<string> NamesOf(Type type) => PropertiesOf(type).Select(property => property.Name);

    private static IEnumerable<string> OfSection(IConfigurationSection section, Type declared)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        var converter = TypeDescriptor.GetConverter(type);
        if (converter.CanConvertFrom(typeof(string)))
            return OfValue(section, converter, type, isOptional: type != declared || !type.IsValueType)
                .Concat(section.GetChildren().Select(child => $"'{child.Path}' is not a setting: {section.Path} is one value."));
        if (!string.IsNullOrEmpty(section.Value))
            return [$"'{section.Path}' is a group of settings, and no value."];
        return type.IsGenericType
            ? section.GetChildren().SelectMany(child => OfEntry(child, type.GetGenericArguments()[0]))
            : section.GetChildren().SelectMany(child => OfMember(child, PropertiesOf(type)));
    }

    private static IEnumerable<string> OfValue(IConfigurationSection section, TypeConverter converter, Type type, bool isOptional)
    {
        if (section.Value is not { } text || (text.Length == 0 && isOptional))
            return [];
        try
        {
            converter.ConvertFromInvariantString(text);
            return [];
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The converter's exception is dropped, because it repeats the value, and somebody may have mixed up two keys.
            return [$"'{section.Path}' must be {NameOf(type)}."];
        }
    }

    private static IEnumerable<string> OfEntry(IConfigurationSection entry, Type type) =>
        int.TryParse(entry.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? OfSection(entry, type)
            : [$"'{entry.Path}' is not a setting; the entries of a list are numbered from 0."];

    private static IEnumerable<string> OfMember(IConfigurationSection member, IReadOnlyList<PropertyInfo> properties) =>
        properties.FirstOrDefault(property => property.Name.Equals(member.Key, StringComparison.OrdinalIgnoreCase)) is { } property
            ? OfSection(member, property.PropertyType)
            : [$"'{member.Path}' is not a setting; there are {string.Join(", ", properties.Select(one => one.Name))}."];

    private static IReadOnlyList<PropertyInfo> PropertiesOf(Type type) =>
        [.. type.GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(property => property.SetMethod is { IsPublic: true })];

    private static string NameOf(Type type) => type switch
    {
        _ when type == typeof(Guid) => "a UUID",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(Uri) => "a URL",
        _ when type == typeof(int) => "a whole number",
        _ when type == typeof(ushort) => $"a whole number from 0 to {ushort.MaxValue}",
        _ => $"a {type.Name}",
    };
}

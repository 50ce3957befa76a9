using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Wolverine.Http;

namespace ResultsEs.OpenApi;

/// <summary>
/// An endpoint of the service: its <see cref="Operation"/> and what its code says. A part of <paramref name="Path"/> in braces is a
/// path parameter, a UUID. <paramref name="Scope"/> is null when no token is needed.
/// </summary>
internal sealed record DescribedEndpoint(Operation Operation, string Method, string Path, string? Scope)
{
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Every endpoint with an <see cref="Operation"/> in its class, by tag and path.</summary>
    public static IReadOnlyList<DescribedEndpoint> All { get; } =
    [
        .. typeof(Operation).Assembly.GetTypes()
            .Where(type => !type.ContainsGenericParameters)
            .SelectMany(type => type.GetFields(Static))
            .Where(field => field.FieldType == typeof(Operation))
            .Select(Of)
            .OrderBy(endpoint => endpoint.Operation.Tag).ThenBy(endpoint => endpoint.Path, StringComparer.Ordinal),
    ];

    public IEnumerable<string> PathParameters => Path.Split('/').Where(part => part is ['{', .., '}']).Select(part => part[1..^1]);

    private static DescribedEndpoint Of(FieldInfo field)
    {
        var operation = (Operation)field.GetValue(null)!;
        if (operation.Route is { } route)
            return new(operation, route.Method, route.Path, Scope: null);

        var handler = field.DeclaringType!.GetMethods(Static).Single(method => method.IsDefined(typeof(WolverineHttpMethodAttribute)));
        var mapped = handler.GetCustomAttribute<WolverineHttpMethodAttribute>()!;
        return new(operation, mapped.HttpMethod, mapped.Template, handler.GetCustomAttribute<AuthorizeAttribute>()!.Policy);
    }
}

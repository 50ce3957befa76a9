using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using ResultsEs.Http;
using Wolverine.Http;

namespace ResultsEs.OpenApi;

/// <summary>An endpoint of the service: what its code says, and its <see cref="Operation"/>.</summary>
/// <param name="Operation">What the code does not say.</param>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The route; what is in braces is a path parameter, a UUID.</param>
/// <param name="Scope">The scope that a token needs; null where no token is needed.</param>
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

    /// <summary>Names of the path parameters.</summary>
    public IEnumerable<string> PathParameters => Path.Split('/').Where(part => part is ['{', .., '}']).Select(part => part[1..^1]);

    /// <summary>Whether it answers as long as the process lives, so that there are no refusals of every endpoint.</summary>
    public bool IsHealth => Path.StartsWith("/health/", StringComparison.Ordinal);

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

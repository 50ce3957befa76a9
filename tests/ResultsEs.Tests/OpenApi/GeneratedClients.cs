using System.Reflection;
using System.Runtime.Loader;

namespace ResultsEs.Tests.OpenApi;

/// <summary>
/// Clients that generators make of the description, compiled once a run: those in TypeScript by npm's packages in <c>tests/tools</c>, those
/// in C# by the tools of its <c>dotnet-tools.json</c>. Each goes the way of <c>clients/tour.ts</c>.
/// </summary>
internal static class GeneratedClients
{
    private const string Namespace = "Results.";

    // Nobody is asked for a newer version, and nobody told.
    private static readonly (string, string)[] Quiet =
        [("KIOTA_OFFLINE_ENABLED", "true"), ("KIOTA_CLI_TELEMETRY_OPTOUT", "true"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "true")];

    private static readonly Lazy<Task> Scripts = new(MakeScriptsAsync);
    private static readonly Lazy<Task<Assembly>> Assembly = new(MakeAssemblyAsync);

    /// <summary>Generates the clients in TypeScript and compiles them with the programs that use them, under strict rules.</summary>
    public static Task TypeScriptAsync() => Scripts.Value;

    /// <summary>Runs a client's tour and gives what it prints.</summary>
    public static async Task<string> GoAsync(string generator, string address, Guid test, Guid session, Guid workspace)
    {
        if (generator is "NSwag" or "Kiota")
        {
            var tour = (await Assembly.Value).GetType($"{generator}Tour")!.GetMethod("GoAsync")!;
            return await (Task<string>)tour.Invoke(null, [address, test, session, workspace])!;
        }

        await Scripts.Value;
        return await RunAsync("node", $"generated/js/clients/{generator}.js", address, test.ToString(), session.ToString(), workspace.ToString());
    }

    /// <summary>Runs a program of <c>tests/tools</c> and gives its output; it has to succeed.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var run = await NodeTools.RunAsync(program, arguments, environment: Quiet);
        Assert.True(run.ExitCode == 0, $"{program} {string.Join(' ', arguments)}:\n{run.Output}\n{run.Errors}");
        return run.Output;
    }

    private static async Task MakeScriptsAsync()
    {
        await RunAsync("node", "node_modules/openapi-typescript/bin/cli.js", DescribedAnswers.File, "-o", "api.d.ts");
        await RunAsync(
            "node", "node_modules/@hey-api/openapi-ts/bin/run.js", "-i", DescribedAnswers.File, "-o", "generated/hey-api",
            "-c", "@hey-api/client-fetch", "--no-log-file");
        await RunAsync(
            "node", "node_modules/orval/dist/bin/orval.mjs", "--input", DescribedAnswers.File, "--output", "generated/orval.ts", "--client", "fetch");
        await RunAsync("node", "node_modules/typescript/bin/tsc", "-p", ".");
    }

    // Generated and compiled by the SDK's compiler alone: a project of its own would be restored and built for twice the time.
    private static async Task<Assembly> MakeAssemblyAsync()
    {
        using var folder = new TempFolder();
        await RunAsync("dotnet", "tool", "restore");
        await RunAsync(
            "dotnet", "nswag", "openapi2csclient", $"/input:{DescribedAnswers.File}", $"/output:{folder.Path}/NSwag.cs",
            $"/namespace:{Namespace}NSwag", "/className:ResultsClient", "/jsonLibrary:SystemTextJson", "/injectHttpClient:true",
            "/operationGenerationMode:SingleClientFromOperationId", "/generateOptionalParameters:true",
            "/generateNullableReferenceTypes:true", "/generateOptionalPropertiesAsNullable:true");
        await RunAsync(
            "dotnet", "kiota", "generate", "-l", "CSharp", "-d", DescribedAnswers.File, "-o", $"{folder.Path}/kiota", "-n", $"{Namespace}Kiota",
            "-c", "ResultsClient", "--exclude-backward-compatible", "--ll", "Error");

        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => Path.GetFileName(file) is var name && (name.StartsWith("System.", StringComparison.Ordinal)
                || name.StartsWith("Microsoft.Kiota.", StringComparison.Ordinal) || name is "netstandard.dll" or "mscorlib.dll"));
        var assembly = Path.Combine(folder.Path, "clients.dll");
        await File.WriteAllLinesAsync(
            Path.Combine(folder.Path, "compile.rsp"),
            [
                "-target:library", "-nullable:enable", "-langversion:latest", "-nostdlib", "-define:NETCOREAPP3_1_OR_GREATER;NET5_0_OR_GREATER;NET6_0_OR_GREATER;NET8_0_OR_GREATER",
                $"-out:\"{assembly}\"", .. references.Select(file => $"-reference:\"{file}\""),
                $"\"{folder.Path}/NSwag.cs\"", $"-recurse:\"{folder.Path}/kiota/*.cs\"", $"-recurse:\"{NodeTools.Folder}/clients/*.cs\"",
            ]);
        var compiler = typeof(GeneratedClients).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Compiler").Value!;
        await RunAsync("dotnet", compiler, "-noconfig", "-nologo", $"@{folder.Path}/compile.rsp");
        return AssemblyLoadContext.Default.LoadFromStream(new MemoryStream(await File.ReadAllBytesAsync(assembly)));
    }
}
